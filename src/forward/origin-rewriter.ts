import type { BodyRewriter } from './body-rewriter.ts'

/**
 * Replaces one origin by another in a stream of JSON, at the beginning of strings. A chunk may end inside the origin,
 * so a possible beginning of it is kept for the next chunk.
 */
export class OriginRewriter implements BodyRewriter {
  readonly #from: string
  readonly #to: string
  #tail = ''

  /**
   * @param from an origin, without a slash at its end
   * @param to the same
   */
  constructor (from: string, to: string) {
    this.#from = `"${from}/`
    this.#to = `"${to}/`
  }

  /** Rewrites the next chunk. */
  write (chunk: Buffer): Buffer {
    const text = this.#tail + chunk.toString('latin1')
    const rewritten = text.replaceAll(this.#from, () => this.#to) // a client's text is no pattern: `$'` in it stays
    const end = rewritten.length - this.#tailLength(rewritten)
    this.#tail = rewritten.slice(end)
    return Buffer.from(rewritten.slice(0, end), 'latin1')
  }

  /** Returns the rest after the last chunk. */
  end (): Buffer {
    return Buffer.from(this.#tail, 'latin1')
  }

  /** The length of the longest end of a text that may begin the origin. */
  #tailLength (text: string): number {
    const longest = Math.min(this.#from.length - 1, text.length)
    for (let length = longest; length > 0; length--) if (text.endsWith(this.#from.slice(0, length))) return length
    return 0
  }
}
