import type { Writable } from 'node:stream'
import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import { type LogDestination, openDestination } from './destination.ts'

/** The levels of the setting `--log-level`, from the most records to none. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The formats of a log. */
export const LOG_FORMATS = ['json', 'pretty'] as const

type LogLevel = typeof LOG_LEVELS[number]
export type LogFormat = typeof LOG_FORMATS[number]

/** A pino logger with its destination, which must be closed before the process ends. */
export interface Logger extends PinoLogger {
  destination: LogDestination
}

/**
 * Creates the logger. It redacts nothing: callers log neither header nor query values, and `ApiKey` prints as a
 * placeholder.
 * @param format `json` is one object a line, `pretty` is for people
 */
export async function createLogger (level: LogLevel, format: LogFormat, stream: Writable): Promise<Logger> {
  const destination = format === 'pretty'
    ? await prettyPrinter(stream)
    : openDestination(stream, records => {
      logger.warn({ records }, 'log records were dropped because nobody read the log')
    })
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime }
  const logger: Logger = Object.assign(pino(options, destination), { destination })
  return logger
}

/** Loads pino-pretty on demand, because loading it takes a twelfth of the start. */
async function prettyPrinter (stream: Writable): Promise<LogDestination> {
  const { PinoPretty } = await import('pino-pretty')
  const pretty = PinoPretty({ destination: stream, colorize: isTerminal(stream), ignore: 'pid,hostname' })
  return { write: text => { pretty.write(text) }, close: async () => {}, flushNow () {} }
}

/** Returns the format for a stream; `auto` means `pretty` on a terminal and `json` elsewhere. */
export function resolveLogFormat (chosen: LogFormat | 'auto', stream: Writable): LogFormat {
  if (chosen !== 'auto') return chosen
  return isTerminal(stream) ? 'pretty' : 'json'
}

function isTerminal (stream: Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}
