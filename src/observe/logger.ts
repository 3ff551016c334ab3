import type { Writable } from 'node:stream'
import { type DestinationStream, pino, type Logger } from 'pino'
import { PinoPretty } from 'pino-pretty'
import { JoinedLines } from './joined-lines.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export const LOG_FORMATS = ['json', 'pretty'] as const

export type LogLevel = typeof LOG_LEVELS[number]
export type LogFormat = typeof LOG_FORMATS[number]

/**
 * Makes the logger. Nothing that goes through it has a header or a query value in it; that no key does either rests on
 * `ApiKey`, which prints as a placeholder.
 * Its `flush` writes what was logged in this turn of the event loop, as is needed before the process ends.
 * @param format `json` is one object a line, `pretty` is for people
 */
export function createLogger (level: LogLevel, format: LogFormat, stream: Writable): Logger {
  const destination: DestinationStream = format === 'pretty' ? PinoPretty({ destination: stream, colorize: isTerminal(stream), ignore: 'pid,hostname' }) : new JoinedLines(stream)
  return pino({ level, base: null, timestamp: isoTime }, destination)
}

let second = 0
let secondText = ''

/** The time as pino's own `isoTime` has it; written anew once a second, but for the milliseconds. */
function isoTime (): string {
  const now = Date.now()
  const milliseconds = now % 1000
  if (now - milliseconds !== second) {
    second = now - milliseconds
    secondText = `,"time":"${new Date(second).toISOString().slice(0, -4)}`
  }
  return `${secondText}${String(milliseconds).padStart(3, '0')}Z"`
}

/** The format for a stream where none was chosen: `pretty` on a terminal, `json` anywhere else. */
export function resolveLogFormat (chosen: LogFormat | 'auto', stream: Writable): LogFormat {
  if (chosen !== 'auto') return chosen
  return isTerminal(stream) ? 'pretty' : 'json'
}

function isTerminal (stream: Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}
