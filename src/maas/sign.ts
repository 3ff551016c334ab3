import { randomBytes } from 'node:crypto'
import OAuth from 'oauth-1.0a'
import type { ApiKey } from './api-key.ts'

/** Makes the value of one `Authorization` field; every call gives a new one, good for one attempt. */
export type Signer = () => string

/** The time as OAuth has it: whole seconds since the epoch (RFC 5849 §3.3). */
export type Clock = () => number

const NONCE_PLACE = 'NONCE'
const TIMESTAMP_PLACE = 'TIMESTAMP'

/**
 * Makes a signer for a key: 0-legged OAuth 1.0 with PLAINTEXT (RFC 5849 §3.4.4) and the empty consumer secret that MAAS
 * gives every consumer (`models/user.py`). A PLAINTEXT signature depends on the key alone, so oauth-1.0a writes the header
 * once per key and each request only gets its nonce and timestamp stamped in.
 */
export function createSigner (key: ApiKey, now: Clock = systemClock): Signer {
  const template = writeHeader(key, NONCE_PLACE, TIMESTAMP_PLACE)
  const [head, afterNonce] = splitAt(template, `oauth_nonce="${NONCE_PLACE}"`, NONCE_PLACE)
  const [middle, tail] = splitAt(afterNonce, `oauth_timestamp="${TIMESTAMP_PLACE}"`, TIMESTAMP_PLACE)
  return () => head + newNonce() + middle + now() + tail
}

/** The header as oauth-1.0a writes it. The URL and method play no part in PLAINTEXT; its query must stay out, since a bad escape there throws. */
export function writeHeader (key: ApiKey, nonce: string, timestamp: string): string {
  const oauth = new OAuth({ consumer: { key: key.consumerKey, secret: '' }, signature_method: 'PLAINTEXT' })
  oauth.getNonce = () => nonce
  oauth.getTimeStamp = () => timestamp as unknown as number
  const data = oauth.authorize({ url: '', method: '' }, { key: key.tokenKey, secret: key.tokenSecret })
  return oauth.toHeader(data).Authorization
}

/** The system's clock, in whole seconds. */
export function systemClock (): number {
  return Math.floor(Date.now() / 1000)
}

/** A nonce is as many hex digits, four random bits each; hex because MAAS drops every parameter that contains the word "realm". */
const NONCE_LENGTH = 32

/** Random digits for a hundred nonces, since asking for them one by one would take longer than all the rest of a signature. */
const POOL_BYTES = 100 * NONCE_LENGTH / 2

let pool = ''
let used = 0

function newNonce (): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex')
    used = 0
  }
  const nonce = pool.slice(used, used + NONCE_LENGTH)
  used += NONCE_LENGTH
  return nonce
}

/** Cuts a text around `place` within the first `field`, whose name keeps a key that spells the place from being cut. */
function splitAt (text: string, field: string, place: string): [string, string] {
  const at = text.indexOf(field) + field.indexOf(place)
  return [text.slice(0, at), text.slice(at + place.length)]
}
