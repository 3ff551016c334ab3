import { gunzipSync } from 'node:zlib'
import { ProxyError } from '../errors.ts'
import type { ApiKey } from '../maas/api-key.ts'
import { MAX_BUFFERED_BYTES } from './buffered-answer.ts'
import { valueOf, withoutFields } from './response-head.ts'

/** An answer as a whole: fields as names and values in turns, and the body. */
export interface WholeAnswer {
  headers: string[]
  body: Buffer
}

/** Takes the token secret out of an answer. @throws ProxyError if it cannot be looked into */
export type SecretMask = (answer: WholeAnswer) => WholeAnswer

const MASK = '[token secret]'

/**
 * Makes the mask of a key. MAAS answers a signature that does not fit with the one that would have (P: `oauth.py`), so when
 * a token secret is mistyped its 401 shows the right one. Masked are the secret in the key, plain and percent-encoded, and
 * whatever MAAS says that it expected. MAAS's nginx compresses text/html for those who take it, and a 401 is that.
 */
export function createSecretMask ({ tokenSecret }: ApiKey): SecretMask {
  const forms = [tokenSecret, encodeURIComponent(tokenSecret)]
  return ({ headers, body }) => {
    const coding = valueOf(headers, 'content-encoding')
    const text = (coding === null || coding.toLowerCase() === 'identity' || body.length === 0 ? body : decompress(coding, body)).toString('latin1')
    const masked = forms.reduce((text, form) => text.replaceAll(form, MASK), text).replace(/(signature base string: )[^\s'"<]*/gi, `$1${MASK}`)
    if (masked === text) return { headers, body }
    const maskedBody = Buffer.from(masked, 'latin1')
    const rest = withoutFields(headers, ['content-encoding', 'content-length'])
    return { headers: [...rest, 'Content-Length', String(maskedBody.length)], body: maskedBody }
  }
}

function decompress (coding: string, body: Buffer): Buffer {
  try {
    if (/^(?:x-)?gzip$/i.test(coding)) return gunzipSync(body, { maxOutputLength: MAX_BUFFERED_BYTES })
  } catch {
    // answered below, like any other coding that cannot be undone
  }
  throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message: 'the answer of MAAS is a 401 whose body cannot be looked into for secrets' })
}
