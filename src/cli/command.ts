import type { EventEmitter } from 'node:events'
import type { Writable } from 'node:stream'
import { createLogger, type Logger, resolveLogFormat } from '../observe/log/logger.ts'
import type { Config } from '../settings/load.ts'
import type { CommandLine } from './flags.ts'
import type { Environment } from '../environment.ts'
import type { RunningProxy } from '../proxy/start.ts'

/** What a process lends to the program: everything it reads and writes besides files and sockets. */
export interface Io {
  argv: readonly string[]
  env: Environment
  stdout: Writable
  stderr: Writable
  /**
   * Emits SIGTERM, SIGINT, SIGHUP and SIGUSR2, `uncaughtExceptionMonitor` and `uncaughtException`, and `exit` when the
   * process is about to end, however that came.
   */
  signals: EventEmitter
}

/** A command: its line of help, how it is called, and what it does. */
export interface Command {
  help: string
  /** what may stand behind its name, one of these rows of words; a word that is not in lower case stands for what is given. Nothing unless said. */
  forms?: ReadonlyArray<readonly string[]>
  /** what has to stand behind `--`, as usage shows it; there is no `--` unless said */
  operands?: string
  /** whether it can answer in JSON, for --json */
  json?: true
  /** @returns the exit code */
  run: (line: CommandLine, io: Io) => Promise<number>
}

/** All commands by their names. */
export type Commands = Readonly<Record<string, Command>>

/** Exit codes that all commands share. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const

/** Exit codes of a program that a second signal ends. */
export const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const

type StopSignal = keyof typeof EXIT_BY_SIGNAL

/** Opens the log of a command. What waits to be written is written when the process ends, however that comes. @param stream where it goes */
export async function openLog ({ logLevel, logFormat }: Config, stream: Writable, signals: EventEmitter): Promise<Logger> {
  const logger = await createLogger(logLevel, resolveLogFormat(logFormat, stream), stream)
  signals.on('exit', () => { logger.destination.flushNow() })
  return logger
}

/**
 * Logs errors that nobody caught, of which node says that a process must not go on after them.
 * @returns resolves with the exit code at the first one; whoever waits stops in order, so that the requests that run are answered
 */
export function uncaughtError (signals: EventEmitter, logger: Logger): Promise<number> {
  return new Promise(resolve => {
    signals.on('uncaughtException', (error: Error) => {
      logger.fatal({ cause: { name: error.name, message: error.message }, stack: error.stack }, 'an error that nobody caught: the proxy stops')
      resolve(EXIT.failure)
    })
  })
}

/** Waits for SIGTERM or SIGINT. */
export function stopSignal (signals: EventEmitter): Promise<void> {
  return new Promise(resolve => onStopSignal(signals, () => { resolve() }))
}

/**
 * Stops a proxy, which takes its time; a second signal meanwhile cuts off what is waited for.
 * @returns 0, or 130 for SIGINT and 143 for SIGTERM where a signal came in between
 */
export async function stopUnlessSignalled (signals: EventEmitter, { stop, cutOff }: Pick<RunningProxy, 'stop' | 'cutOff'>): Promise<number> {
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
