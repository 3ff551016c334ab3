/** A text to look for: the spellings of each of its characters, in lower case. */
type Spellings = ReadonlyArray<readonly string[]>

/** A text to look for, and whether it is a secret or stands before one. */
export interface Pattern {
  readonly spellings: Spellings
  /** whether the secret is not the text itself but what follows it */
  readonly isPrefix: boolean
}

/** The names of characters in HTML. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** The characters that stand in base64url for those of base64 (RFC 4648 §5). */
const BASE64URL: Readonly<Record<string, string>> = { '+': '-', '/': '_' }

/** Secrets shorter than this are parts of many words, so they count only behind the `&` of a signature. */
const MIN_LENGTH = 8

/**
 * The text before the signature that MAAS expected (piston3 `oauth.py`). It shows the correct token secret when the
 * configured one has a typing error.
 */
const BASE_STRING = { spellings: spell('signature base string: '), isPrefix: true } as const

/**
 * Returns the patterns of a token secret: plain, with any characters escaped as in URLs, HTML or JSON, and as a part
 * of a base64 text. An `Authorization` value has the secret percent-encoded twice (RFC 5849 §3.4.4, §3.5.1).
 */
export function secretPatterns (secret: string): readonly Pattern[] {
  const encoded = percentEncode(percentEncode(secret))
  const plain = secret.length < MIN_LENGTH ? [`&${secret}`] : [secret]
  const base64 = [...new Set([secret, encoded])].flatMap(base64Parts).filter(part => part.length >= MIN_LENGTH)
  return [BASE_STRING, ...[...plain, ...base64].map(text => ({ spellings: spell(text), isPrefix: false }))]
}

/**
 * Matches a pattern at a place of a text.
 * @param text in lower case
 * @returns the end of the match; null if the text ends before the pattern does; undefined if there is no match
 */
export function matchEnd (text: string, at: number, spellings: Spellings, index = 0): number | null | undefined {
  if (index === spellings.length) return at
  let isCut = false
  for (const spelling of spellings[index] as readonly string[]) {
    if (text.startsWith(spelling, at)) {
      const end = matchEnd(text, at + spelling.length, spellings, index + 1)
      if (typeof end === 'number') return end
      isCut ||= end === null
    } else if (at + spelling.length > text.length) isCut ||= spelling.startsWith(text.slice(at))
  }
  return isCut ? null : undefined
}

function spell (text: string): Spellings {
  return Array.from(text, character => {
    const code = character.charCodeAt(0)
    const hex = code.toString(16).padStart(2, '0')
    const escapes = [`%${hex}`, `%25${hex}`, `%2525${hex}`, `&#${code};`, `&#x${hex};`, `\\u00${hex}`, `\\x${hex}`]
    const special = [ENTITIES[character], BASE64URL[character], /\w/.test(character) ? undefined : `\\${character}`]
    return [character.toLowerCase(), ...escapes, ...special].filter(spelling => spelling !== undefined)
  })
}

/**
 * Returns what base64 makes of a text at the three places where it can begin in a longer one (RFC 4648 §4), without
 * the characters at both ends that depend on the rest.
 */
function base64Parts (text: string): string[] {
  return [0, 1, 2].map(offset => {
    const whole = Buffer.from('\0'.repeat(offset) + text).toString('base64')
    return whole.slice(Math.ceil(offset * 8 / 6), Math.floor((offset + text.length) * 8 / 6))
  })
}

/** Percent-encodes as OAuth does (RFC 5849 §3.6). */
function percentEncode (text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
