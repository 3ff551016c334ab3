import { ProxyError } from '../errors.ts'
import { hintNeedsBody } from '../maas/hints.ts'
import type { ResponseHead } from './response-head.ts'

/** The status under which MAAS shows a secret. */
const MASKED_STATUS = 401

/** How large a body that is held may be; those of MAAS have some hundred bytes. */
export const MAX_BUFFERED_BYTES = 64 * 1024

/** How large a body may be that is held only to give a hint. */
const MAX_HINT_BYTES = 1024

/** Whether an answer has to be looked into: for a secret, or for what a hint depends on, if it is short. */
export function needsBuffering ({ status, contentLength }: ResponseHead): boolean {
  return status === MASKED_STATUS || (hintNeedsBody(status) && contentLength !== null && contentLength <= MAX_HINT_BYTES)
}

/** An answer of which nothing is passed on before all of it is there, because it has to be looked into. */
export class BufferedAnswer {
  readonly head: ResponseHead
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor (head: ResponseHead) {
    this.head = head
  }

  get body (): Buffer { return Buffer.concat(this.#chunks) }

  /** @throws ProxyError if the body is too large to be held */
  push (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size > MAX_BUFFERED_BYTES) {
      throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message: `the answer of MAAS is a ${this.head.status} of more than ${MAX_BUFFERED_BYTES / 1024} KiB` })
    }
  }
}
