import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { multipart } from '../../helper/maas-client.ts'
import { run, type Test } from './child.ts'
import type { Send } from './clients.ts'
import type { Answer, Call } from './steps.ts'

/** A command-line tool. */
export interface Tool {
  command: string
  /**
   * how it is told to make a request.
   * @param files where its answer goes, and where a body that it needs in a file may
   */
  args: (call: Call, url: string, authorization: string | null, files: { out: string, body: string }) => string[]
  /** finds the answer in what it has printed, and in its file */
  read: (told: { stdout: string, stderr: string }, out: Buffer) => Answer
}

const pairs = (fields: Record<string, string> = {}) => Object.entries(fields)

export const curl: Tool = {
  command: 'curl',
  args: ({ method, fields, file }, url, authorization, { out }) => [
    '-sS', '-o', out, '-w', '%{http_code}', '-X', method, url,
    ...authorization === null ? [] : ['-H', `Authorization: ${authorization}`],
    ...pairs(fields).flatMap(([name, value]) => method === 'POST' ? ['--form-string', `${name}=${value}`] : ['--data-urlencode', `${name}=${value}`]),
    ...file === undefined ? [] : ['-F', `file=@${file}`]
  ],
  read: ({ stdout }, out) => ({ status: Number(stdout), body: out })
}

/** wget sends a body as it is given, so the form is made for it. */
export const wget: Tool = {
  command: 'sh',
  args: ({ method, fields, file }, url, authorization, { out, body }) => {
    const form = method === 'POST'
      ? multipart([...pairs(fields).map(([name, value]) => ({ name, value })), ...file === undefined ? [] : [{ name: 'file', value: readFileSync(file), filename: 'file.bin' }]])
      : { type: 'application/x-www-form-urlencoded', body: new URLSearchParams(fields).toString() }
    if (fields !== undefined) writeFileSync(body, form.body)
    const args = [
      '--no-config', '-nv', '-S', '--content-on-error', '--tries=1', '-O', out, `--method=${method}`, url,
      ...authorization === null ? [] : [`--header=Authorization: ${authorization}`],
      ...fields === undefined ? [] : [`--header=Content-Type: ${form.type}`, `--body-file=${body}`]
    ]
    return ['-c', 'wget "$@" || [ $? = 8 ]', 'wget', ...args] // 8: the server answered with an error
  },
  read: ({ stderr }, out) => ({ status: Number(/^ *HTTP\/1\.1 (\d{3})/m.exec(stderr)?.[1]), body: out })
}

export const httpie: Tool = {
  command: 'http',
  args: ({ method, fields, file }, url, authorization, { out }) => [
    '--ignore-stdin', '--pretty=none', '--print=hb', '-o', out, method === 'POST' ? '--multipart' : '--form', method, url,
    ...authorization === null ? [] : [`Authorization:${authorization}`],
    ...pairs(fields).map(([name, value]) => `${name}=${value.replace(/^@/, '\\@')}`),
    ...file === undefined ? [] : [`file@${file}`]
  ],
  read: (_told, out) => {
    const end = out.indexOf('\r\n\r\n')
    return { status: Number(out.subarray(0, end).toString().split(' ')[1]), body: out.subarray(end + 4) }
  }
}

/**
 * A tool in front of a MAAS, with the header that MAAS's documentation of the API gives for curl and httpie; null for
 * no key.
 */
export function useTool (t: Test, home: string, { command, args, read }: Tool, site: string, key: string | null): Send {
  const files = { out: join(home, 'out'), body: join(home, 'body') }
  writeFileSync(join(home, 'config.json'), '{"disable_update_warnings": true}') // or httpie looks for news on the net
  return async call => {
    rmSync(files.out, { force: true })
    const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`
    const told = await run(t, home, command, args(call, `${site}/api/2.0/${call.path}${query}`, key === null ? null : documentedHeader(key), files))
    return read(told, existsSync(files.out) ? readFileSync(files.out) : Buffer.alloc(0))
  }
}

function documentedHeader (key: string): string {
  const [consumer, token, secret] = key.split(':')
  return `OAuth oauth_version=1.0, oauth_signature_method=PLAINTEXT, oauth_consumer_key=${consumer}, oauth_token=${token}, oauth_signature=&${secret}, oauth_nonce=${randomUUID()}, oauth_timestamp=${Math.floor(Date.now() / 1000)}`
}
