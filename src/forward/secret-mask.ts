import { gunzipSync } from 'node:zlib'
import { ProxyError } from '../errors.ts'
import type { ApiKey } from '../maas/api-key.ts'
import { MAX_BUFFERED_BYTES } from './buffered-answer.ts'
import { valueOf, withoutFields } from './response-head.ts'

/** A buffered answer. */
interface WholeAnswer {
  /** names and values in turns */
  headers: string[]
  body: Buffer
}

/**
 * A function that replaces the token secret in an answer.
 * @throws ProxyError MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED if the answer cannot be searched
 */
export type SecretMask = (answer: WholeAnswer) => WholeAnswer

const MASK = '[token secret]'

/**
 * Creates the mask for a key. MAAS answers a wrong signature with the one that it expected (P: `oauth.py`), so its 401
 * shows the correct token secret when the configured one has a typing error. The mask replaces the configured secret,
 * plain and percent-encoded, and the signature that MAAS expected. MAAS's nginx compresses text/html, which a 401 is,
 * for clients that accept it.
 */
export function createSecretMask ({ tokenSecret }: ApiKey): SecretMask {
  const forms = [tokenSecret, encodeURIComponent(tokenSecret)]
  return ({ headers, body }) => {
    const text = decode(valueOf(headers, 'content-encoding'), body).toString('latin1')
    const masked = forms.reduce((text, form) => text.replaceAll(form, MASK), text)
      .replace(/(signature base string: )[^\s'"<]*/gi, `$1${MASK}`)
    if (masked === text) return { headers, body }
    const maskedBody = Buffer.from(masked, 'latin1')
    const rest = withoutFields(headers, ['content-encoding', 'content-length'])
    return { headers: [...rest, 'Content-Length', String(maskedBody.length)], body: maskedBody }
  }
}

function decode (coding: string | null, body: Buffer): Buffer {
  if (coding === null || coding.toLowerCase() === 'identity' || body.length === 0) return body
  try {
    if (/^(?:x-)?gzip$/i.test(coding)) return gunzipSync(body, { maxOutputLength: MAX_BUFFERED_BYTES })
  } catch {
    // handled below, like an unknown coding
  }
  const message = 'the answer of MAAS is a 401 whose body cannot be looked into for secrets'
  throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message })
}
