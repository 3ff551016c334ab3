import type { Writable } from 'node:stream'
import { type Logger as PinoLogger, type LoggerOptions, pino, stdTimeFunctions } from 'pino'
import type { Environment } from '../../environment.ts'
import { columnsOf, isTerminal, paintFor } from '../../text/terminal.ts'
import { type LogDestination, openDestination } from './destination.ts'
import { prettyFormatter } from './pretty.ts'

/** The levels of the setting `--log-level`, from the most records to none. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The formats of a log. */
export const LOG_FORMATS = ['json', 'pretty'] as const

/** How a record in JSON says its level: as pino's number or by its name. */
export const LOG_LEVEL_FORMATS = ['number', 'name'] as const

type LogLevel = typeof LOG_LEVELS[number]
/** One of {@link LOG_FORMATS}. */
export type LogFormat = typeof LOG_FORMATS[number]
type LogLevelFormat = typeof LOG_LEVEL_FORMATS[number]

/** A pino logger with its destination, which must be closed before the process ends. */
export interface Logger extends PinoLogger {
  destination: LogDestination
  /** Writes a text between the records, as it is; null if programs read the log. */
  print: ((text: string) => void) | null
}

/** What else decides on the look of a log. */
interface LoggerLook {
  /** for the format `json`; default: number */
  levelFormat?: LogLevelFormat
  /** for the format `pretty`: variables that decide on colours; default: none */
  env?: Environment
}

/**
 * Creates the logger. It redacts nothing: callers log neither header nor query values, and `ApiKey` prints as a
 * placeholder.
 * @param format `json` is one object a line, `pretty` is for people
 */
export function createLogger (
  level: LogLevel, format: LogFormat, stream: Writable, { levelFormat = 'number', env = {} }: LoggerLook = {}
): Logger {
  const output = openDestination(stream, records => {
    logger.warn({ records }, 'log records were dropped because nobody read the log')
  })
  const destination = format === 'pretty' ? prettyDestination(output, stream, env) : output
  const options: LoggerOptions = { level, base: null, timestamp: stdTimeFunctions.isoTime }
  if (format === 'json' && levelFormat === 'name') options.formatters = { level: level => ({ level }) }
  const print = format === 'pretty' ? (text: string) => { output.write(text) } : null
  const logger: Logger = Object.assign(pino(options, destination), { destination, print })
  return logger
}

function prettyDestination (output: LogDestination, stream: Writable, env: Environment): LogDestination {
  const format = prettyFormatter({ paint: paintFor(stream, env), columns: () => columnsOf(stream) })
  return { ...output, write: json => { output.write(format(json)) } }
}

/** Returns the format for a stream; `auto` means `pretty` on a terminal and `json` elsewhere. */
export function resolveLogFormat (chosen: LogFormat | 'auto', stream: Writable): LogFormat {
  if (chosen !== 'auto') return chosen
  return isTerminal(stream) ? 'pretty' : 'json'
}
