import { type ChildProcess, spawn } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

/** The signals that a terminal sends to all its foreground processes, so that the command has them already. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** The exit codes of shells for a command that cannot start. The number of a signal is added to `bySignal`. */
export const CANNOT_START = { notFound: 127, notExecutable: 126, bySignal: 128 } as const

/** The error of a command that cannot start. */
export class StartError extends Error {
  readonly exitCode: number

  constructor (file: string, { code }: NodeJS.ErrnoException) {
    const reasons: Record<string, string> = { ENOENT: 'there is no such command', EACCES: 'it is not executable' }
    const reason = reasons[String(code)] ?? `it cannot be started (${code})`
    super(`run: ${JSON.stringify(file)}: ${reason}`)
    this.name = 'StartError'
    this.exitCode = code === 'ENOENT' ? CANNOT_START.notFound : CANNOT_START.notExecutable
  }
}

/**
 * Runs a command with the stdin, stdout and stderr of this process, and passes signals on to it.
 * @returns the exit code of the command, or 128 + N if signal N ended it, as in shells
 * @throws StartError if the command cannot start
 */
export async function runChild (
  [file = '', ...args]: readonly string[], env: Record<string, string>, signals: EventEmitter
): Promise<number> {
  const terminal = hasTerminal()
  let child: ChildProcess
  const passOn = (signal: NodeJS.Signals) => {
    if (!terminal || !FROM_TERMINAL.includes(signal)) child.kill(signal)
  }
  const ended = new Promise<number>((resolve, reject) => {
    child = spawn(file, args, { stdio: 'inherit', env }) // throws some errors and emits others
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? CANNOT_START.bySignal + constants.signals[signal as NodeJS.Signals])
    })
    for (const signal of SIGNALS) signals.on(signal, passOn)
  })
  return await ended
    .catch((error: NodeJS.ErrnoException) => { throw new StartError(file, error) })
    .finally(() => { for (const signal of SIGNALS) signals.off(signal, passOn) })
}

/** Whether the process has a controlling terminal, whatever stdin, stdout and stderr are. */
export function hasTerminal (device = '/dev/tty'): boolean {
  try {
    closeSync(openSync(device, 'r'))
    return true
  } catch {
    return false
  }
}
