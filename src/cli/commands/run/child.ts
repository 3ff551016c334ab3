import { type ChildProcess, spawn } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

/** Those that a terminal sends to all processes in its foreground, so that the command has them already. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** A shell's exit codes for a command that cannot be started, and for one that a signal ended, to which its number is added. */
export const CANNOT_START = { notFound: 127, notExecutable: 126, bySignal: 128 } as const

/** A command that could not be started. */
export class StartError extends Error {
  readonly exitCode: number

  constructor (file: string, { code }: NodeJS.ErrnoException) {
    const reason = { ENOENT: 'there is no such command', EACCES: 'it is not executable' }[String(code)] ?? `it cannot be started (${code})`
    super(`run: ${JSON.stringify(file)}: ${reason}`)
    this.name = 'StartError'
    this.exitCode = code === 'ENOENT' ? CANNOT_START.notFound : CANNOT_START.notExecutable
  }
}

/**
 * Runs a command on the same stdin, stdout and stderr, and passes signals on to it.
 * @returns its exit code; 128 and the number of the signal that ended it, as shells have it
 * @throws StartError if there is nothing to run
 */
export async function runChild ([file = '', ...args]: readonly string[], env: Record<string, string>, signals: EventEmitter): Promise<number> {
  const terminal = hasTerminal()
  let child: ChildProcess
  const passOn = (signal: NodeJS.Signals) => { if (!terminal || !FROM_TERMINAL.includes(signal)) child.kill(signal) }
  const ended = new Promise<number>((resolve, reject) => {
    child = spawn(file, args, { stdio: 'inherit', env }) // some errors are thrown here, others come as an event
    child.once('error', reject)
    child.once('exit', (code, signal) => { resolve(code ?? CANNOT_START.bySignal + constants.signals[signal as NodeJS.Signals]) })
    for (const signal of SIGNALS) signals.on(signal, passOn)
  })
  return await ended
    .catch((error: NodeJS.ErrnoException) => { throw new StartError(file, error) })
    .finally(() => { for (const signal of SIGNALS) signals.off(signal, passOn) })
}

/** Whether the process has a controlling terminal, even where stdin, stdout and stderr are all something else. */
export function hasTerminal (device = '/dev/tty'): boolean {
  try {
    closeSync(openSync(device, 'r'))
    return true
  } catch {
    return false
  }
}
