import type { Writable } from 'node:stream'
import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import { type LogDestination, openDestination } from './destination.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export const LOG_FORMATS = ['json', 'pretty'] as const

export type LogLevel = typeof LOG_LEVELS[number]
export type LogFormat = typeof LOG_FORMATS[number]

/** A logger of pino's, and the destination that it writes to, which is closed before the process ends. */
export interface Logger extends PinoLogger {
  destination: LogDestination
}

/**
 * Creates the logger. Nothing that goes through it has a header or a query value in it; that no key does either rests on
 * `ApiKey`, which prints as a placeholder.
 * @param format `json` is one object a line, `pretty` is for people
 */
export async function createLogger (level: LogLevel, format: LogFormat, stream: Writable): Promise<Logger> {
  const destination = format === 'pretty'
    ? await prettyPrinter(stream)
    : openDestination(stream, records => {
      logger.warn({ records }, 'log records were dropped because nobody read the log')
    })
  const logger: Logger = Object.assign(pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, destination), { destination })
  return logger
}

/** Loaded only where it is used: it is a twelfth of the whole start. */
async function prettyPrinter (stream: Writable): Promise<LogDestination> {
  const { PinoPretty } = await import('pino-pretty')
  const pretty = PinoPretty({ destination: stream, colorize: isTerminal(stream), ignore: 'pid,hostname' })
  return { write: text => { pretty.write(text) }, close: async () => {}, flushNow () {} }
}

/** The format for a stream where none was chosen: `pretty` on a terminal, `json` anywhere else. */
export function resolveLogFormat (chosen: LogFormat | 'auto', stream: Writable): LogFormat {
  if (chosen !== 'auto') return chosen
  return isTerminal(stream) ? 'pretty' : 'json'
}

function isTerminal (stream: Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}
