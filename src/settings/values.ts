import { readFileSync, statSync } from 'node:fs'
import { suggestion } from '../text/suggestion.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const UNIT_WORDS: ReadonlyArray<readonly [pattern: RegExp, unit: string]> = [
  [/^(?:ms|msecs?|milli(?:second)?s?)$/i, 'ms'],
  [/^s(?:ecs?|econds?)?$/i, 's'],
  [/^m(?:ins?|inutes?)?$/i, 'm'],
  [/^h(?:rs?|ours?)?$/i, 'h']
]
const MAX_DURATION_MS = 24 * 3_600_000

/**
 * Three parts with colons between, as of an API key in any form. The parts of IPv6 addresses are shorter; those of URLs
 * and of `unix:PATH` have slashes.
 */
const LIKE_A_KEY =
  /[^\s:/"]{5,}:[^\s:/"]{5,}:[^\s:/"]{5,}|^(?!unix:)[^\s:]*[^\s:\da-f][^\s:]*:(?!\/\/)[^\s:]+:[^\s:]+$/i

const HOST_NAME = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

const SWITCH_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true], ['1', true], ['yes', true], ['false', false], ['0', false], ['no', false]
])

/** The reasons of errors of the system, by their codes; see {@link readFailure}. */
const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory'
}

/** Parses a time as `500ms`, `10s`, `15m` or `1h`, up to a day. @returns milliseconds @throws Error if it is none */
export function parseDuration (text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) {
    const meant = timeMeantBy(text)
    const advice = meant === undefined ? '' : `; did you mean ${meant}?`
    throw new Error(`${quote(text)} is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h${advice}`)
  }
  const milliseconds = Number(amount) * (UNITS_MS[unit] as number)
  if (milliseconds < 1 || milliseconds > MAX_DURATION_MS) throw new Error(`${quote(text)} is not between 1ms and 24h`)
  return milliseconds
}

/** The time that was meant by a number alone, or with another spelling of its unit; undefined if none is seen. */
function timeMeantBy (text: string): string | undefined {
  const [, amount, word = ''] = /^(\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const unit = word === '' ? 's' : UNIT_WORDS.find(([pattern]) => pattern.test(word))?.[1]
  return amount === undefined || unit === undefined ? undefined : `${amount}${unit}`
}

/** Parses a whole number from 1 to a limit. @throws Error if it is none */
export function parseCount (text: string, limit: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN
  if (count >= 1 && count <= limit) return count
  throw new Error(`${quote(text)} is not a whole number from 1 to ${limit}`)
}

/** Parses the value of a switch. @throws Error if it is neither true nor false */
export function parseSwitch (text: string): boolean {
  const value = SWITCH_WORDS.get(text.toLowerCase())
  if (value === undefined) throw new Error(`${quote(text)} is neither true nor false; write one of them, or yes or no`)
  return value
}

/** Makes a parser for one of a few words. */
export function oneOf<const Word extends string> (words: readonly Word[]): (text: string) => Word {
  return text => {
    const word = words.find(word => word === text)
    if (word === undefined) {
      throw new Error(`${quote(text)} is not one of ${words.join(', ')}${suggestion(text.toLowerCase(), words)}`)
    }
    return word
  }
}

/** Parses the origin of a web page, exactly as browsers send it. @throws Error if it is none */
export function parseOrigin (text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    const meant = originMeantBy(text)
    const form = meant === undefined ? 'write it as browsers send it: http://HOST:PORT' : `did you mean ${meant}?`
    throw new Error(`${quote(text)} is not an origin; ${form}`)
  }
  return text
}

/** The origin of a URL, or of one without its scheme; undefined for a text that is neither. */
function originMeantBy (text: string): string | undefined {
  const url = /^https?:\/\//i.test(text) ? text : `http://${text}`
  return /^[^\s@*]+[:.][^\s@*]+$/.test(text) && URL.canParse(url) ? new URL(url).origin : undefined
}

/**
 * Parses a name for `Host`: a host name or an address, with or without a port, or `*` for any.
 * @returns the name in lower case
 * @throws Error if it is none
 */
export function parseHostName (text: string): string {
  if (text !== '*' && !HOST_NAME.test(text)) {
    const meant = originMeantBy(text)
    const advice = meant === undefined ? '' : `; did you mean ${new URL(meant).host}?`
    throw new Error(`${quote(text)} is not a host name, an address or *${advice}`)
  }
  return text.toLowerCase()
}

/** Reads the text of a file that a setting names. @throws Error that names the file and the reason */
export function readSettingFile (path: string): string {
  return readSettingBytes(path).toString()
}

/** Reads the bytes of a file that a setting names. @throws Error as {@link readSettingFile} */
export function readSettingBytes (path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const advice = path.startsWith('~') ? '; no shell has replaced ~: write the directory, or $HOME' : ''
    throw new Error(`${quote(path)}: ${readFailure(error as NodeJS.ErrnoException)}${advice}`)
  }
}

/** Says why a file cannot be read. */
export function readFailure ({ code }: NodeJS.ErrnoException): string {
  return READ_FAILURES[String(code)] ?? `it cannot be read (${code})`
}

/** Whether every user of this machine may read a file. */
export function isReadableByAll (path: string): boolean {
  return (statSync(path).mode & 0o004) !== 0
}

/** Whether others than its owner may write a file: its group, or every user of this machine. */
export function isWritableByOthers (path: string): boolean {
  return (statSync(path).mode & 0o022) !== 0
}

/** Reads a JSON file that a setting names. @throws Error that names the file */
export function readJsonFile (path: string): unknown {
  const text = readSettingFile(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    // The parser's own message shows a part of the text, which may be a secret.
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? []
    const place = position === undefined ? '' : `, from ${placeIn(text, Number(position))} on`
    const remedy = 'every text stands in double quotes, and no comma before a bracket'
    throw new Error(`${quote(path)}: not JSON${place}; ${remedy}`)
  }
}

/** Line and column of a position in a text. */
function placeIn (text: string, position: number): string {
  const lines = text.slice(0, position).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1) as string).length + 1}`
}

/**
 * Quotes a text for a message: control characters are escaped, and at most 200 characters are shown. A text that looks
 * like an API key is not shown, because it may be a key in the wrong place.
 */
export function quote (text: string): string {
  if (LIKE_A_KEY.test(text)) return '(a text that looks like an API key, and is not shown)'
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 197)}...` : text)
}
