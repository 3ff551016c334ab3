import { ProxyError } from '../errors.ts'
import type { ResponseHead } from './response-head.ts'

/** How large a body that is held may be; those of MAAS have some hundred bytes. */
export const MAX_HELD_BYTES = 64 * 1024

/** An answer of which nothing is passed on before all of it is there, because it has to be looked into. */
export class HeldAnswer {
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
    if (this.#size > MAX_HELD_BYTES) {
      throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message: `the answer of MAAS is a ${this.head.status} of more than ${MAX_HELD_BYTES / 1024} KiB` })
    }
  }
}
