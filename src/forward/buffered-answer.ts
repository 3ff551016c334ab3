import { ProxyError } from '../errors.ts'
import { hintNeedsBody } from '../maas/hints.ts'
import type { ResponseHead } from './response-head.ts'
import { isCoded } from './secret-mask.ts'

/** The status whose body tells whether MAAS refused the timestamp. */
const REFUSED_STATUS = 401

/** Maximum size of a buffered body. MAAS's own have a few hundred bytes. */
const MAX_BUFFERED_BYTES = 64 * 1024

/** Maximum size of a body that is buffered only for a hint. */
const MAX_HINT_BYTES = 1024

/**
 * Whether an answer is buffered: a 401 to correct the clock, an error with a coding to look for secrets, or a short
 * body to choose a hint.
 * @param isSigned whether the request was signed, so that an error can hold the secret
 */
export function needsBuffering (head: ResponseHead, isSigned: boolean): boolean {
  const { status, contentLength } = head
  if (status === REFUSED_STATUS || (status >= 400 && isSigned && isCoded(head))) return true
  return hintNeedsBody(status) && contentLength !== null && contentLength <= MAX_HINT_BYTES
}

/** An answer that is collected as a whole before the client gets any of it. */
export class BufferedAnswer {
  readonly head: ResponseHead
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor (head: ResponseHead) {
    this.head = head
  }

  get body (): Buffer { return Buffer.concat(this.#chunks) }

  /** @throws ProxyError MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED if the body is too large */
  push (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size > MAX_BUFFERED_BYTES) {
      const message = `the answer of MAAS is a ${this.head.status} of more than ${MAX_BUFFERED_BYTES / 1024} KiB`
      throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message })
    }
  }
}
