import { randomBytes } from 'node:crypto'
import OAuth from 'oauth-1.0a'
import type { ApiKey } from './api-key.ts'

/** Returns the value of an `Authorization` field. Each call returns a new one, which is valid for one attempt. */
export type Signer = () => string

/** Returns the time in whole seconds since the epoch (RFC 5849 §3.3). */
export type Clock = () => number

const NONCE_PLACE = 'NONCE'
const TIMESTAMP_PLACE = 'TIMESTAMP'

/**
 * Creates the signer of a key: 0-legged OAuth 1.0 with PLAINTEXT (RFC 5849 §3.4.4) and the empty consumer secret of
 * MAAS (`models/user.py`). A PLAINTEXT signature depends on the key alone, so oauth-1.0a writes the header once per
 * key, and each call inserts a nonce and a timestamp.
 * @param now the clock of timestamps
 */
export function createSigner (key: ApiKey, now: Clock = systemClock): Signer {
  const template = writeHeader(key, NONCE_PLACE, TIMESTAMP_PLACE)
  const [head, afterNonce] = splitAt(template, `oauth_nonce="${NONCE_PLACE}"`, NONCE_PLACE)
  const [middle, tail] = splitAt(afterNonce, `oauth_timestamp="${TIMESTAMP_PLACE}"`, TIMESTAMP_PLACE)
  return () => head + newNonce() + middle + now() + tail
}

/**
 * Returns the header that oauth-1.0a writes. PLAINTEXT needs neither method nor URL, and a malformed URL would throw.
 */
export function writeHeader (key: ApiKey, nonce: string, timestamp: string): string {
  const oauth = new OAuth({ consumer: { key: key.consumerKey, secret: '' }, signature_method: 'PLAINTEXT' })
  oauth.getNonce = () => nonce
  oauth.getTimeStamp = () => timestamp as unknown as number
  const data = oauth.authorize({ url: '', method: '' }, { key: key.tokenKey, secret: key.tokenSecret })
  return oauth.toHeader(data).Authorization
}

/** Returns the time of the system, in whole seconds since the epoch. */
export function systemClock (): number {
  return Math.floor(Date.now() / 1000)
}

/**
 * The length of a nonce in hexadecimal digits. Letters beyond f could spell "realm", and MAAS drops such parameters.
 */
const NONCE_LENGTH = 32

/** Random bytes for a hundred nonces. Fetching them for each nonce would take longer than the rest of a signature. */
const POOL_BYTES = 100 * NONCE_LENGTH / 2

let noncePool = ''
let poolIndex = 0

function newNonce (): string {
  if (poolIndex === noncePool.length) {
    noncePool = randomBytes(POOL_BYTES).toString('hex')
    poolIndex = 0
  }
  const nonce = noncePool.slice(poolIndex, poolIndex + NONCE_LENGTH)
  poolIndex += NONCE_LENGTH
  return nonce
}

/** Splits a text around `place` in `field`. A key may contain the text of `place`, but not that of `field`. */
function splitAt (text: string, field: string, place: string): [string, string] {
  const at = text.indexOf(field) + field.indexOf(place)
  return [text.slice(0, at), text.slice(at + place.length)]
}
