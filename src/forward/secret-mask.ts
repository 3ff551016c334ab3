import { gunzipSync } from 'node:zlib'
import { ProxyError } from '../errors.ts'
import type { ApiKey } from '../maas/api-key.ts'
import { type ResponseHead, withoutFields } from './response-head.ts'
import { matchEnd, type Pattern, secretPatterns } from './secret-patterns.ts'

/** A buffered answer. */
interface WholeAnswer {
  /** names and values in turns */
  headers: string[]
  body: Buffer
}

const MASK = '[token secret]'

/** Maximum size of a decoded body. Django's debug pages have about 100 KiB. */
const MAX_DECODED_BYTES = 1024 * 1024

/**
 * Removes a token secret from the errors of MAAS: from 400 on, since below it an answer is what was asked for. MAAS
 * answers a wrong signature with the correct one, a debug page of Django repeats the header of the request, and so do
 * the errors of some servers in front.
 */
export class SecretMask {
  readonly #patterns: readonly Pattern[]
  /** the first characters of all patterns, by code */
  readonly #starts: ReadonlySet<number>

  constructor ({ tokenSecret }: ApiKey) {
    this.#patterns = secretPatterns(tokenSecret)
    const firsts = this.#patterns.flatMap(({ spellings: [first = []] }) => first)
    this.#starts = new Set(firsts.map(spelling => spelling.charCodeAt(0)))
  }

  /** Masks the reason phrase, and names and values of fields. */
  head (head: ResponseHead): ResponseHead {
    const text = (value: string) => this.mask(value, true, false, () => MASK).masked
    const name = (value: string) => this.mask(value, true, false, length => '*'.repeat(length)).masked
    const headers = head.headers.map((value, i) => i % 2 === 0 ? name(value) : text(value))
    return { ...head, reason: text(head.reason), headers, traceId: head.traceId && text(head.traceId) }
  }

  /**
   * Masks a whole body.
   * @param mayHold whether the answer can hold the secret: only if the request was signed
   * @throws ProxyError MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED if it may, and the body cannot be decoded
   */
  whole ({ headers, body }: WholeAnswer, mayHold: boolean): WholeAnswer {
    const decoded = decode(codingOf(headers), body)
    if (decoded === null && !mayHold) return { headers, body }
    if (decoded === null) {
      const message = 'the answer of MAAS is an error whose body cannot be looked into for secrets'
      throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message })
    }
    const text = decoded.toString('latin1')
    const { masked } = this.mask(text, true, false, () => MASK)
    if (masked === text) return { headers, body }
    const maskedBody = Buffer.from(masked, 'latin1')
    const rest = withoutFields(headers, ['content-encoding', 'content-length'])
    return { headers: [...rest, 'Content-Length', String(maskedBody.length)], body: maskedBody }
  }

  /** Masks a body that streams. Its length stays the same. */
  stream (): SecretStream {
    return new SecretStream(this)
  }

  /**
   * Masks a part of a text.
   * @param isEnd whether nothing follows
   * @param isInSecret whether the text before ended inside a secret of unknown length
   * @param mark what to write instead of a secret of a length
   * @returns the masked text, and what has to wait for the next part because it may begin a secret
   */
  mask (text: string, isEnd: boolean, isInSecret: boolean, mark: (length: number) => string): MaskedText {
    const lower = text.toLowerCase()
    let masked = ''
    let at = 0
    while (at < text.length) {
      if (isInSecret) {
        const { length } = /^[^\s'"<]*/.exec(text.slice(at))?.[0] as string
        if (length > 0) masked += mark(length)
        at += length
        isInSecret = at === text.length
        continue
      }
      const found = this.#find(lower, at, isEnd)
      masked += text.slice(at, found?.start)
      if (found === null) break
      if (found.end === null) return { masked, rest: text.slice(found.start), isInSecret }
      isInSecret = found.isPrefix
      masked += found.isPrefix ? text.slice(found.start, found.end) : mark(found.end - found.start)
      at = found.end
    }
    return { masked, rest: '', isInSecret }
  }

  /** Finds the first pattern. Its end is null if the text is cut inside of it. */
  #find (text: string, from: number, isEnd: boolean): { start: number, end: number | null, isPrefix: boolean } | null {
    for (let start = from; start < text.length; start++) {
      if (!this.#starts.has(text.charCodeAt(start))) continue
      let isCut = false
      for (const { spellings, isPrefix } of this.#patterns) {
        const end = matchEnd(text, start, spellings)
        if (typeof end === 'number') return { start, end, isPrefix }
        isCut ||= end === null
      }
      if (isCut && !isEnd) return { start, end: null, isPrefix: false }
    }
    return null
  }
}

/** The result of {@link SecretMask.mask}. */
interface MaskedText { masked: string, rest: string, isInSecret: boolean }

/** Masks a body that streams, chunk by chunk. What may begin a secret is kept for the next chunk. */
export class SecretStream {
  readonly #mask: SecretMask
  #rest = ''
  #isInSecret = false

  constructor (mask: SecretMask) {
    this.#mask = mask
  }

  /** Masks the next chunk. */
  write (chunk: Buffer): Buffer {
    return this.#next(this.#rest + chunk.toString('latin1'), false)
  }

  /** Returns the rest after the last chunk. */
  end (): Buffer {
    return this.#next(this.#rest, true)
  }

  #next (text: string, isEnd: boolean): Buffer {
    const fill = (length: number) => MASK.padEnd(length, '*').slice(0, length)
    const { masked, rest, isInSecret } = this.#mask.mask(text, isEnd, this.#isInSecret, fill)
    this.#rest = rest
    this.#isInSecret = isInSecret
    return Buffer.from(masked, 'latin1')
  }
}

/** Whether a body has a coding, so that it has to be decoded before one can look into it. */
export function isCoded ({ headers }: Pick<ResponseHead, 'headers'>): boolean {
  return codingOf(headers) !== ''
}

/** The codings of a body in lower case (RFC 9110 §8.4.1); empty if there is none. */
function codingOf (headers: readonly string[]): string {
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'content-encoding')
  return values.join(',').toLowerCase().split(',').map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity').join(', ')
}

/** @returns null for a coding that cannot be undone */
function decode (coding: string, body: Buffer): Buffer | null {
  if (coding === '' || body.length === 0) return body
  if (coding !== 'gzip' && coding !== 'x-gzip') return null
  try {
    return gunzipSync(body, { maxOutputLength: MAX_DECODED_BYTES })
  } catch {
    return null
  }
}
