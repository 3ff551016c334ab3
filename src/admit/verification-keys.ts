import type { JsonWebKey } from 'node:crypto'
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { Client } from 'undici'
import { ProxyError } from '../errors.ts'
import { caCertificates } from '../upstream/ca-certificates.ts'

/** Minimum time between two fetches, in milliseconds. Any client can cause a fetch, by an unknown key id. */
const COOLDOWN_MS = 60_000

/** The same as long as no fetch has succeeded, since no token can be verified without keys. */
const RETRY_MS = 5000

/** Maximum age of keys, in milliseconds, after which a removed key is no longer accepted. */
const MAX_AGE_MS = 3_600_000

const TIMEOUT_MS = 5000
const MAX_BYTES = 1024 * 1024

/** The keys of a file. */
export function localKeys (keys: readonly JsonWebKey[]): JWTVerifyGetKey {
  return createLocalJWKSet({ keys: [...keys] })
}

/**
 * The keys at an https address. They are fetched when they are first needed, when a token names a key that is not among
 * them, and every hour.
 * @param ca CAs to trust there, beside those of the system, in PEM
 * @returns the function that finds the key of a token; it throws ProxyError MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE if that
 *   takes a fetch, and the last one has failed or fails
 */
export function remoteKeys (url: string, ca: readonly string[]): JWTVerifyGetKey & { reload: () => Promise<void> } {
  let hasKeys = false
  let failure: { error: ProxyError, at: number } | null = null
  const fetchKeys = async () => {
    if (failure !== null && Date.now() - failure.at < (hasKeys ? COOLDOWN_MS : RETRY_MS)) throw failure.error
    try {
      const keys = await fetchJson(new URL(url), caCertificates(ca))
      hasKeys = true
      failure = null
      return Response.json(keys)
    } catch (cause) {
      failure = { error: new ProxyError('MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE', { cause }), at: Date.now() }
      throw failure.error
    }
  }
  return createRemoteJWKSet(new URL(url), {
    cooldownDuration: COOLDOWN_MS, cacheMaxAge: MAX_AGE_MS, timeoutDuration: TIMEOUT_MS, [customFetch]: fetchKeys
  })
}

/** Fetches a set of keys. @throws Error if there is none. Its text repeats nothing of the answer */
async function fetchJson ({ origin, pathname, search }: URL, ca: string[]): Promise<{ keys: unknown[] }> {
  const client = new Client(origin, { connect: { ca }, connectTimeout: TIMEOUT_MS })
  try {
    const { statusCode, body } = await client.request({
      method: 'GET',
      path: pathname + search,
      headers: { Accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
    if (statusCode !== 200) throw new Error(`the answer has the status ${statusCode}`)
    let text = ''
    for await (const chunk of body) {
      text += String(chunk)
      if (text.length > MAX_BYTES) throw new Error('the answer is longer than any set of keys')
    }
    return parseSet(text)
  } finally {
    await client.destroy()
  }
}

function parseSet (text: string): { keys: unknown[] } {
  try {
    const { keys } = JSON.parse(text) as { keys: unknown }
    if (Array.isArray(keys) && keys.length > 0 && keys.every(key => key instanceof Object)) return { keys }
  } catch {}
  throw new Error('the answer is not a set of keys (JWKS)')
}
