import { createHmac } from 'node:crypto'

import { quote } from './python.ts'

/** The input of a signature. */
interface SignatureInput { method: string, url: string, parameters: ReadonlyMap<string, string>, secret: string }

/** A signature method: its base string, which MAAS prints if a signature is wrong, and its signature. */
interface SignatureMethod { base: (input: SignatureInput) => string, sign: (input: SignatureInput) => string }

/** Returns the key of both methods. MAAS's consumers have an empty secret (maasserver/models/user.py). */
function key ({ secret }: SignatureInput): string {
  return `&${escape(secret)}`
}

function baseString ({ method, url, parameters }: SignatureInput): string {
  const sorted = [...parameters].filter(([name]) => name !== 'oauth_signature').sort(([a], [b]) => a < b ? -1 : 1)
  const text = sorted.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&')
  return [method, url, text].map(escape).join('&')
}

function hmacSha1 (input: SignatureInput): string {
  return createHmac('sha1', key(input)).update(baseString(input)).digest('base64')
}

function escape (text: string): string {
  return quote(text, '~')
}

/** The signature methods of MAAS, in the order of its error message (piston3/oauth.py). */
export const SIGNATURE_METHODS: ReadonlyMap<string, SignatureMethod> = new Map([
  ['PLAINTEXT', { base: key, sign: key }],
  ['HMAC-SHA1', { base: baseString, sign: hmacSha1 }]
])
