import { inspect } from 'node:util'

const VISIBLE_ASCII = /^[\x21-\x7e]*$/
const USUAL_FORM = /^[A-Za-z0-9]{18}:[A-Za-z0-9]{18}:[A-Za-z0-9]{32}$/

/**
 * A MAAS API key: consumer key, token key and token secret (RFC 5849: client identifier, token identifier and token
 * shared-secret). It prints as `[API key]` in logs, in `util.inspect`, in strings and in JSON.
 */
export class ApiKey {
  readonly #parts: readonly [string, string, string]

  /** @param parts consumer key, token key and token secret, checked by {@link parseApiKey} */
  constructor (parts: readonly [string, string, string]) {
    this.#parts = parts
  }

  get consumerKey (): string { return this.#parts[0] }
  get tokenKey (): string { return this.#parts[1] }
  get tokenSecret (): string { return this.#parts[2] }

  /** Whether it has the form of the keys that MAAS makes: 18, 18 and 32 letters and digits (piston3 `managers.py`). */
  get hasUsualForm (): boolean { return USUAL_FORM.test(this.#parts.join(':')) }

  /** Whether both keys have the same parts. */
  equals (other: ApiKey): boolean { return this.#parts.join(':') === other.#parts.join(':') }

  toString (): string { return '[API key]' }
  toJSON (): string { return '[API key]' }
  [inspect.custom] (): string { return '[API key]' }
}

/** Why a text is no key, by what it looks like. The first that matches counts. */
const MISTAKES: ReadonlyArray<readonly [pattern: RegExp, problem: string]> = [
  [/\0/, 'is not text in UTF-8; save the file as UTF-8, which PowerShell does with -Encoding ascii'],
  [/^["'`\u2018-\u201f]/, 'has a quote at its start; leave the quotes out'],
  [/^(?:export\s+|set\s+)?[A-Za-z_]\w*\s*=/, 'is a variable, not a key; keep only what stands behind the equals sign'],
  [/^[{[]/, 'is JSON or a list, not a key; keep only the key'],
  [/^-----BEGIN /, 'is in PEM, so it is a certificate or its key, not an API key of MAAS'],
  [/^(?:Authorization:\s*)?(?:OAuth|Bearer|Basic)\b/i, 'is a header, not a key; keep only consumer:token:secret'],
  [/["'`\u2018-\u201f]$/, 'has a quote at its end; leave the quotes out'],
  [
    /^(?:x:x:x|proxy:proxy:proxy|proxysigns:proxysigns:proxysigns|consumer:token:secret)$/,
    'is the placeholder, not a key of a user'
  ],
  [/<[\w -]+>|\$\{?[A-Za-z_]/, 'has a placeholder or a variable of a shell in it, not a key']
]

/** Where MAAS has the key. */
const WHERE = 'MAAS shows it under "API keys" in the user\'s preferences'

/**
 * Parses `<consumer key>:<token key>:<token secret>`. A byte order mark before it and white space around it are
 * ignored, because editors and `echo` leave them in files.
 * @throws Error whose message names the problem and never repeats the text
 */
export function parseApiKey (text: string): ApiKey {
  const trimmed = text.replace(/^\ufeff/, '').trim()
  const [, problem] = MISTAKES.find(([pattern]) => pattern.test(trimmed)) ?? []
  if (problem !== undefined) throw new Error(`${problem}; ${WHERE}`)
  if (!VISIBLE_ASCII.test(trimmed)) {
    throw new Error('has a character inside that no API key has (a space, a line break or one beyond ASCII); ' +
      'give one key and nothing else')
  }
  const parts = trimmed.split(':')
  const [consumerKey, tokenKey, tokenSecret] = parts
  if (parts.length !== 3 || !consumerKey || !tokenKey || !tokenSecret) {
    const count = parts.filter(part => part !== '').length
    const found = parts.length === 1 && count === 0 ? 'nothing' : `${count} of 3 parts`
    throw new Error(`not an API key of the form consumer:token:secret (found ${found}); ${WHERE}`)
  }
  return new ApiKey([consumerKey, tokenKey, tokenSecret])
}
