import { inspect } from 'node:util'

const VISIBLE_ASCII = /^[\x21-\x7e]+$/
const USUAL_FORM = /^[A-Za-z0-9]{18}:[A-Za-z0-9]{18}:[A-Za-z0-9]{32}$/

/**
 * A MAAS API key: consumer key, token key and token secret (RFC 5849: client identifier, token identifier and token
 * shared-secret). It prints as `[API key]` wherever it is logged, inspected, joined to a text or made JSON.
 */
export class ApiKey {
  readonly #parts: readonly [string, string, string]

  /** @param parts consumer key, token key and token secret, already checked: use {@link parseApiKey}. */
  constructor (parts: readonly [string, string, string]) {
    this.#parts = parts
  }

  get consumerKey (): string { return this.#parts[0] }
  get tokenKey (): string { return this.#parts[1] }
  get tokenSecret (): string { return this.#parts[2] }

  /** Whether it has the form MAAS gives its keys: 18, 18 and 32 letters and digits (piston3 `managers.py`). */
  get hasUsualForm (): boolean { return USUAL_FORM.test(this.#parts.join(':')) }

  equals (other: ApiKey): boolean { return this.#parts.join(':') === other.#parts.join(':') }

  toString (): string { return '[API key]' }
  toJSON (): string { return '[API key]' }
  [inspect.custom] (): string { return '[API key]' }
}

/**
 * Reads `<consumer key>:<token key>:<token secret>`. A byte order mark and white space around it are what editors and
 * `echo` leave in a file, so they are dropped.
 * @throws Error that says what is wrong and never repeats the text
 */
export function parseApiKey (text: string): ApiKey {
  const parts = text.replace(/^\ufeff/, '').trim().split(':')
  const [consumerKey, tokenKey, tokenSecret] = parts
  if (parts.length !== 3 || !consumerKey || !tokenKey || !tokenSecret) {
    const found = parts.length === 1 && parts[0] === '' ? 'nothing' : `${parts.filter(part => part !== '').length} of 3 parts`
    throw new Error(`not an API key of the form consumer:token:secret (found ${found}); MAAS shows it under "API keys" in the user's preferences`)
  }
  if (!parts.every(part => VISIBLE_ASCII.test(part))) {
    throw new Error('has a character inside that no API key has (a space, a line break or one beyond ASCII); is there one key, and nothing else?')
  }
  return new ApiKey([consumerKey, tokenKey, tokenSecret])
}
