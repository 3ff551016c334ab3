import { readFileSync, statSync } from 'node:fs'
import type { SettingsReport } from './report.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const MAX_DURATION_MS = 24 * 3_600_000
const LIKE_A_KEY = /[A-Za-z0-9]{12,}:[A-Za-z0-9]{12,}:[A-Za-z0-9]{12,}/
const SWITCH_WORDS: ReadonlyMap<string, boolean> = new Map([['true', true], ['1', true], ['yes', true], ['false', false], ['0', false], ['no', false]])

/** Reads `500ms`, `10s`, `15m` or `1h` into milliseconds, up to a day. */
export function parseDuration (text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new Error(`${quote(text)} is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h`)
  const milliseconds = Number(amount) * (UNITS_MS[unit] as number)
  if (milliseconds < 1 || milliseconds > MAX_DURATION_MS) throw new Error(`${quote(text)} is not between 1ms and 24h`)
  return milliseconds
}

/** Reads the value of a switch. */
export function parseSwitch (text: string): boolean {
  const value = SWITCH_WORDS.get(text.toLowerCase())
  if (value === undefined) throw new Error(`${quote(text)} is neither true nor false`)
  return value
}

/** Makes a reader for one of a few words. */
export function oneOf<const Word extends string> (words: readonly Word[]): (text: string) => Word {
  return text => {
    const word = words.find(word => word === text)
    if (word === undefined) throw new Error(`${quote(text)} is not one of ${words.join(', ')}`)
    return word
  }
}

/** Reads the origin of a web page, exactly as browsers send it. */
export function parseOrigin (text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) throw new Error(`${quote(text)} is not an origin; write it as browsers send it: http://HOST:PORT, without a slash behind`)
  return text
}

/** Reads a name that a Host may have: a host name or address with or without a port, or `*` for any. */
export function parseHostName (text: string): string {
  if (text !== '*' && !/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(text)) throw new Error(`${quote(text)} is not a host name, an address or *`)
  return text.toLowerCase()
}

/** Reads the content of a file that a setting names. @throws Error that names the file and says what to do */
export function readSettingFile (path: string): string {
  return readSettingBytes(path).toString()
}

/** Reads the bytes of a file, for what is no text. @throws Error as {@link readSettingFile} */
export function readSettingBytes (path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = { ENOENT: 'there is no such file', EACCES: 'this user may not read it', EISDIR: 'it is a directory' }[String(code)] ?? `it cannot be read (${code})`
    throw new Error(`${quote(path)}: ${reason}`)
  }
}

/** Whether every user of this machine may read a file, and with it the secret that is in it. */
export function isReadableByAll (path: string): boolean {
  return (statSync(path).mode & 0o004) !== 0
}

/** Reads a file of JSON that a setting names. @throws Error that names the file */
export function readJsonFile (path: string): unknown {
  const text = readSettingFile(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    // The message of the parser has some of the text in it, which may be a secret in the wrong place.
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? []
    throw new Error(`${quote(path)}: not JSON${position === undefined ? '' : `, from character ${position} on`}`)
  }
}

/** Reads something, or makes a problem of what stands against it. @param source as the user would name it */
export async function attempt<T> (read: () => T | Promise<T>, source: string, report: SettingsReport): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    report.problem(`${source}: ${(error as Error).message}`)
    return undefined
  }
}

/** Shows a text in a message, unless it is a key in the wrong place: in quotes, control characters escaped, not longer than two lines. */
export function quote (text: string): string {
  if (LIKE_A_KEY.test(text)) return '(a text that looks like an API key, and is not shown)'
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 197)}...` : text)
}
