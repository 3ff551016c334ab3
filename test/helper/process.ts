import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

interface Test { after: (close: () => unknown) => void }

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** The program as a process of its own. */
export interface Program {
  child: ChildProcessWithoutNullStreams
  stdout: () => string
  stderr: () => string
  /** resolves when the text has come out of stdout */
  printed: (text: string) => Promise<void>
  /** the exit code, or the name of the signal that ended it */
  ended: Promise<number | string>
}

/**
 * Starts the program from its sources. tap's loader does not reach child processes by itself, so its flags go along, and the
 * environment without any setting of ours; the working directory has no `.env`.
 */
export function startProgram (t: Test, argv: readonly string[], env: Record<string, string> = {}, cwd = '/'): Program {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAAS_')))
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...argv], { env: { ...inherited, HOME: '/nonexistent', ...env }, cwd })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => { stdout += chunk })
  child.stderr.on('data', chunk => { stderr += chunk })
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  t.after(() => child.kill('SIGKILL'))
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: async text => {
      while (!stdout.includes(text)) {
        const [event] = await Promise.race([once(child.stdout, 'data'), ended.then(() => ['end'])])
        if (event === 'end') throw new Error(`ended without printing ${text}: ${stdout}${stderr}`)
      }
    },
    ended
  }
}
