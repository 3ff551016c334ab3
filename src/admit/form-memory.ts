import type { IncomingMessage, ServerResponse } from 'node:http'
import { onResponseFinished } from '../http/response-tracker.ts'

const MIB = 1024 * 1024

/** Bytes of a form that count as small. */
const SMALL_BYTES = 64 * 1024

/**
 * Memory for forms that admission holds, in bytes, for all requests of the process. The first part of each form and
 * the rest of it have one each, so that a few large forms cannot keep small ones out.
 */
const CAPACITY = { small: 32 * MIB, large: 32 * MIB }

const used = { small: 0, large: 0 }

/** The part of the memory for forms that one request holds, until its response is finished. */
export class FormShare {
  #small = 0
  #large = 0
  #isReleased = false

  constructor (request: IncomingMessage, response: ServerResponse) {
    onResponseFinished(request, response, () => { this.#release() })
  }

  /**
   * Takes what a form needs beyond what it has.
   * @param size of the form so far, in bytes
   * @returns whether there was enough; if not, nothing is taken
   */
  growTo (size: number): boolean {
    const small = Math.min(size, SMALL_BYTES) - this.#small
    const large = Math.max(size - SMALL_BYTES, 0) - this.#large
    const isThere = used.small + small <= CAPACITY.small && used.large + large <= CAPACITY.large
    if (this.#isReleased || !isThere) return false
    this.#small += small
    this.#large += large
    used.small += small
    used.large += large
    return true
  }

  #release (): void {
    used.small -= this.#small
    used.large -= this.#large
    this.#isReleased = true
  }
}
