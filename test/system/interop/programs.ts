import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Send } from './clients.ts'
import { start, type Test } from './child.ts'

/**
 * Starts one of the client programs beside this file. It prints a line when it is ready; then it gets a line of JSON
 * for each request, a `Call`, and prints one for its answer, `{"status": …, "body": …}` with the body in base64.
 */
export async function startProgram (t: Test, home: string, command: string, args: readonly string[]): Promise<Send> {
  const child = start(t, home, command, args)
  let stderr = ''
  child.stderr.on('data', chunk => { stderr += chunk })
  child.stdin.on('error', () => {}) // one that has ended; what it said is told below
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => {
    const { value, done } = await lines.next()
    if (done !== true) return value
    if (child.exitCode === null) await once(child, 'close')
    throw new Error(`${command} has ended: ${stderr}`)
  }
  await nextLine()
  return async call => {
    child.stdin.write(`${JSON.stringify(call)}\n`)
    const { status, body } = JSON.parse(await nextLine())
    return { status, body: Buffer.from(body ?? '', 'base64') }
  }
}
