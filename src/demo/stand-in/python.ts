import { isUtf8 } from 'node:buffer'

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Returns Python's `repr()` of a string, with its quotes: MAAS puts OAuth errors into its answers so. */
export function repr (text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escapes = new Map([['\\', '\\\\'], ['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], [mark, `\\${mark}`]])
  const escaped = text.replace(/[\\'"]|\p{Cc}/gu, character =>
    escapes.get(character) ?? (/['"]/.test(character) ? character : `\\x${hex(character, 2)}`))
  return mark + escaped + mark
}

/** Percent-decodes as `urllib.parse.unquote`: a malformed escape stays as it is, malformed UTF-8 is replaced. */
export function unquote (text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, run => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
}

/**
 * Percent-decodes a path as Django does (django/utils/encoding.py, repercent_broken_unicode): bytes that are not UTF-8
 * stay percent-encoded.
 */
export function unquotePath (text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, run => decodeBytes(Buffer.from(run.replaceAll('%', ''), 'hex')))
}

function decodeBytes (bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const end = [1, 2, 3, 4].map(length => at + length)
      .find(end => end <= bytes.length && isUtf8(bytes.subarray(at, end)))
    text += end === undefined ? `%${bytes.toString('hex', at, at + 1).toUpperCase()}` : bytes.toString('utf8', at, end)
    at = end ?? at + 1
  }
  return text
}

/** Percent-encodes as `urllib.parse.quote`, which by default leaves `/` unencoded. */
export function quote (text: string, safe = '/~'): string {
  const isSafe = (character: string) => /[\w.-]/.test(character) || safe.includes(character)
  return Array.from(text, character => isSafe(character) ? character : escape(character)).join('')
}

/** Fails as psycopg2 does with a text for the database. */
export function checkText (text: string): void {
  if (text.includes('\0')) throw new Error('A string literal cannot contain NUL (0x00) characters.')
}

/** Parses as Python's `int()`; returns null where Python raises ValueError. */
export function toInteger (text: string): number | null {
  return /^\s*[+-]?\d+(_\d+)*\s*$/.test(text) ? Number(text.replaceAll('_', '')) : null
}

/** Returns Python's name for the type of a JSON value other than an object. */
export function typeName (value: Json): string {
  if (Array.isArray(value)) return 'list'
  return new Map([['string', 'str'], ['number', 'int'], ['boolean', 'bool']]).get(typeof value) ?? 'NoneType'
}

/** Formats as `json.dumps` with its default separators, in ASCII. */
export function dumps (value: Json): string {
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).map(([name, member]) => `${dumps(name)}: ${dumps(member)}`).join(', ')}}`
  }
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, character => `\\u${hex(character, 4)}`)
}

function hex (character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}

function escape (character: string): string {
  return Array.from(Buffer.from(character), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}
