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

/** Percent-encodes as `urllib.parse.quote`, which by default leaves `/` unencoded. */
export function quote (text: string, safe = '/~'): string {
  const isSafe = (character: string) => /[\w.-]/.test(character) || safe.includes(character)
  return Array.from(text, character => isSafe(character) ? character : escape(character)).join('')
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
