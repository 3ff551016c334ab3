import type { EventEmitter } from 'node:events'
import type { Writable } from 'node:stream'
import { createLogger, type Logger, resolveLogFormat } from '../observe/log/logger.ts'
import type { Config } from '../settings/load.ts'
import { asError } from '../errors.ts'
import type { CommandLine, OwnFlag } from './flags.ts'
import type { Environment } from '../environment.ts'
import type { RunningProxy } from '../proxy/running-proxy.ts'

/** The process as the program sees it: everything the program reads and writes except files and sockets. */
export interface Io {
  argv: readonly string[]
  env: Environment
  stdout: Writable
  stderr: Writable
  /**
   * Emits SIGTERM, SIGINT, SIGHUP, SIGUSR2, `uncaughtExceptionMonitor` and `uncaughtException`, and `exit` before the
   * process ends for any reason.
   */
  signals: EventEmitter
}

/** A command line behind the name of the program, and its purpose. */
export type Example = readonly [line: string, purpose: string]

/** A command of the program. */
export interface Command {
  /** what it does, in a few words for lists */
  summary: string
  help: string
  /** command lines behind the name of the program, with their purpose */
  examples: readonly Example[]
  /**
   * The rows of words that may follow the name of the command; by default none. A word in lower case is literal, any
   * other word is a placeholder, of one word or more if it ends in three dots. A flag stands there for readers only.
   */
  forms?: ReadonlyArray<readonly string[]>
  /** the placeholder of the operands behind `--`, which are required; by default there is no `--` */
  operands?: string
  /** whether the command has an answer in JSON, for --json */
  json?: true
  /** whether the command has more to tell, for --verbose */
  verbose?: true
  /** whether the command has a stand-in for MAAS, for --stand-in-only and --maas-version */
  standIn?: true
  /** the flags that are for this command and few others */
  ownFlags?: readonly OwnFlag[]
  /** Runs the command. @returns the exit code */
  run: (line: CommandLine, io: Io) => Promise<number>
}

/** A failure of a command, with what to do. */
export class CommandError extends Error {
  readonly remedy: string | null

  constructor (message: string, remedy: string | null) {
    super(message)
    this.name = 'CommandError'
    this.remedy = remedy
  }
}

/** All commands by their names. */
export type Commands = Readonly<Record<string, Command>>

/** The exit codes that all commands share. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const

/** The exit codes after a second signal. */
export const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const

type StopSignal = keyof typeof EXIT_BY_SIGNAL

/**
 * Runs a part of a command that has a log, and writes the remaining records at its end, also if it fails.
 * @returns the exit code
 */
export async function withLog (
  { logLevel, logFormat, logLevelFormat: levelFormat }: Config, stream: Writable, { env }: Io,
  run: (logger: Logger) => Promise<number>
): Promise<number> {
  const logger = createLogger(logLevel, resolveLogFormat(logFormat, stream), stream, { levelFormat, env })
  try {
    return await run(logger)
  } finally {
    await logger.destination.close()
  }
}

/**
 * Logs uncaught errors. A process must not continue after one (Node's documentation of `uncaughtException`), but the
 * caller can stop in order, so that running requests get their answers.
 * @returns a promise of the exit code, which resolves at the first uncaught error
 */
export function uncaughtError (signals: EventEmitter, logger: Logger): Promise<number> {
  return new Promise(resolve => {
    signals.on('uncaughtException', (thrown: unknown) => {
      const { name, message, stack } = asError(thrown)
      logger.fatal({ cause: { name, message }, stack }, 'an error that nobody caught: the proxy stops')
      resolve(EXIT.failure)
    })
  })
}

/** Waits for SIGTERM or SIGINT. */
export function stopSignal (signals: EventEmitter): Promise<void> {
  return new Promise(resolve => onStopSignal(signals, () => { resolve() }))
}

/**
 * Stops a proxy. A signal during the stop cuts off the requests that it waits for.
 * @returns the exit code: 0, or 130 after SIGINT and 143 after SIGTERM
 */
export async function stopUnlessSignalled (
  signals: EventEmitter, { stop, cutOff }: Pick<RunningProxy, 'stop' | 'cutOff'>
): Promise<number> {
  let code: number = EXIT.ok
  const signalled = new Promise<void>(resolve => onStopSignal(signals, signal => {
    code = EXIT_BY_SIGNAL[signal]
    resolve(cutOff())
  }))
  await Promise.race([stop(), signalled])
  return code
}

function onStopSignal (signals: EventEmitter, act: (signal: StopSignal) => void): void {
  const listener = (signal: StopSignal) => {
    for (const name of Object.keys(EXIT_BY_SIGNAL)) signals.off(name, listener)
    act(signal)
  }
  for (const name of Object.keys(EXIT_BY_SIGNAL)) signals.on(name, listener)
}
