import { readFileSync, statSync } from 'node:fs'
import type { SettingsReport } from './report.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const MAX_DURATION_MS = 24 * 3_600_000

/**
 * Three parts with colons between, as of an API key in any form. The parts of IPv6 addresses are shorter; those of URLs
 * and of `unix:PATH` have slashes.
 */
const LIKE_A_KEY = /[^\s:/"]{5,}:[^\s:/"]{5,}:[^\s:/"]{5,}|^(?!unix:)[^\s:]*[^\s:\da-f][^\s:]*:(?!\/\/)[^\s:]+:[^\s:]+$/i

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
    throw new Error(`${quote(text)} is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h`)
  }
  const milliseconds = Number(amount) * (UNITS_MS[unit] as number)
  if (milliseconds < 1 || milliseconds > MAX_DURATION_MS) throw new Error(`${quote(text)} is not between 1ms and 24h`)
  return milliseconds
}

/** Parses the value of a switch. @throws Error if it is neither true nor false */
export function parseSwitch (text: string): boolean {
  const value = SWITCH_WORDS.get(text.toLowerCase())
  if (value === undefined) throw new Error(`${quote(text)} is neither true nor false`)
  return value
}

/** Makes a parser for one of a few words. */
export function oneOf<const Word extends string> (words: readonly Word[]): (text: string) => Word {
  return text => {
    const word = words.find(word => word === text)
    if (word === undefined) throw new Error(`${quote(text)} is not one of ${words.join(', ')}`)
    return word
  }
}

/** Parses the origin of a web page, exactly as browsers send it. @throws Error if it is none */
export function parseOrigin (text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    const form = 'http://HOST:PORT, without a slash at the end'
    throw new Error(`${quote(text)} is not an origin; write it as browsers send it: ${form}`)
  }
  return text
}

/**
 * Parses a name for `Host`: a host name or an address, with or without a port, or `*` for any.
 * @returns the name in lower case
 * @throws Error if it is none
 */
export function parseHostName (text: string): string {
  if (text !== '*' && !HOST_NAME.test(text)) throw new Error(`${quote(text)} is not a host name, an address or *`)
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
    throw new Error(`${quote(path)}: ${readFailure(error as NodeJS.ErrnoException)}`)
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
    throw new Error(`${quote(path)}: not JSON${position === undefined ? '' : `, from character ${position} on`}`)
  }
}

/**
 * Reads a value, and reports its error as a problem.
 * @param source the setting, as the user calls it
 * @returns undefined if there was an error
 */
export async function attempt<T> (
  read: () => T | Promise<T>, source: string, report: SettingsReport
): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    report.problem(`${source}: ${(error as Error).message}`)
    return undefined
  }
}

/**
 * Quotes a text for a message: control characters are escaped, and at most 200 characters are shown. A text that looks
 * like an API key is not shown, because it may be a key in the wrong place.
 */
export function quote (text: string): string {
  if (LIKE_A_KEY.test(text)) return '(a text that looks like an API key, and is not shown)'
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 197)}...` : text)
}
