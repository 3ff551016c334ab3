import { stripControls } from '../../text/strip-controls.ts'
import type { Style } from '../../text/terminal.ts'
import { formatRequest, type RequestFacts, type Screen, TIME_WIDTH, WORD_WIDTH } from './request-line.ts'

/** The fields that every record has, and those that are shown in a place of their own. */
interface LogRecord {
  level: number
  /** ISO 8601, in UTC */
  time: string
  msg: string
  reason?: unknown
  remedy?: unknown
  cause?: { message?: unknown }
  stack?: unknown
  [field: string]: unknown
}

/** Words and styles of pino's levels. */
const LEVELS: Readonly<Record<number, readonly [word: string, style: Style]>> = {
  10: ['trace', 'dim'],
  20: ['debug', 'dim'],
  30: ['info', 'green'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
  60: ['fatal', 'red']
}

/**
 * Records that people do not need. An audit record repeats the record of its request; the addresses are in the
 * overview that the command prints when the proxy listens.
 */
const HIDDEN: ReadonlySet<string> = new Set(['audit', 'listening', 'status pages'])

/** Creates the function that turns a record in JSON into lines for people. A hidden record is an empty text. */
export function prettyFormatter (screen: Screen): (json: string) => string {
  return json => {
    const record = JSON.parse(json) as LogRecord
    if (HIDDEN.has(record.msg)) return ''
    const lines = record.msg === 'request'
      ? formatRequest(record as unknown as RequestFacts, screen)
      : formatOther(record, screen)
    return lines.map((line, i) => `${i === 0 ? clockTime(record.time, screen) : INDENT}${line}\n`).join('')
  }
}

const INDENT = ' '.repeat(TIME_WIDTH + WORD_WIDTH + 2)

/** The time of day at this place. */
function clockTime (time: string, { paint }: Screen): string {
  return paint('dim', new Date(time).toTimeString().slice(0, 8).padEnd(TIME_WIDTH))
}

/** Formats any other record: level, message and reason, fields; below them what to do, and a stack. */
function formatOther (record: LogRecord, { paint }: Screen): string[] {
  const { level, time: _time, msg, reason, remedy, cause, stack, ...fields } = record
  const [word, style] = LEVELS[level] ?? [String(level), 'dim']
  const why = reason ?? cause?.message
  const text = stripControls(why === undefined ? msg : `${msg}: ${why}`)
  const details = Object.entries(fields).map(([name, value]) => paint('dim', `  ${name}=${formatValue(value)}`))
  return [
    `${paint(style, word.padEnd(WORD_WIDTH))}  ${text}${details.join('')}`,
    ...typeof remedy === 'string' ? [`${paint('cyan', 'hint')}: ${stripControls(remedy)}`] : [],
    ...typeof stack === 'string' ? stack.split('\n').map(line => paint('dim', stripControls(line))) : []
  ]
}

function formatValue (value: unknown): string {
  return stripControls(typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : JSON.stringify(value))
}
