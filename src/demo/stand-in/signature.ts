import { createHmac } from 'node:crypto'

import { quote } from './python.ts'

/** What a signature is made from. */
export interface Signed { method: string, url: string, parameters: ReadonlyMap<string, string>, secret: string }

/** A signature method: what it signs (and MAAS prints when it does not match), and the signature. */
export interface SignatureMethod { base: (signed: Signed) => string, sign: (signed: Signed) => string }

/** The key of both methods; MAAS's consumers have an empty secret (maasserver/models/user.py, create_auth_token). */
function key ({ secret }: Signed): string {
  return `&${escape(secret)}`
}

function baseString ({ method, url, parameters }: Signed): string {
  const sorted = [...parameters].filter(([name]) => name !== 'oauth_signature').sort(([a], [b]) => a < b ? -1 : 1)
  return [method, url, sorted.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&')].map(escape).join('&')
}

function hmacSha1 (signed: Signed): string {
  return createHmac('sha1', key(signed)).update(baseString(signed)).digest('base64')
}

function escape (text: string): string {
  return quote(text, '~')
}

/** The methods MAAS registers, in the order it lists them (piston3/oauth.py). */
export const SIGNATURE_METHODS: ReadonlyMap<string, SignatureMethod> = new Map([
  ['PLAINTEXT', { base: key, sign: key }],
  ['HMAC-SHA1', { base: baseString, sign: hmacSha1 }]
])
