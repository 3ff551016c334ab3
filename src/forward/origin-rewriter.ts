/**
 * Replaces one origin by another in JSON that streams through: wherever a string begins with the first, it then begins with
 * the second. What may be the beginning of it is kept back until the next part is there.
 */
export class OriginRewriter {
  readonly #from: string
  readonly #to: string
  #kept = ''

  /** @param from and to: origins, without a slash at their end */
  constructor (from: string, to: string) {
    this.#from = `"${from}/`
    this.#to = `"${to}/`
  }

  /** The next part, rewritten. */
  write (chunk: Buffer): Buffer {
    const text = this.#kept + chunk.toString('latin1')
    const rewritten = text.replaceAll(this.#from, this.#to)
    const keep = this.#beginningAtEnd(rewritten)
    this.#kept = rewritten.slice(rewritten.length - keep)
    return Buffer.from(rewritten.slice(0, rewritten.length - keep), 'latin1')
  }

  /** What was kept back last. */
  end (): Buffer {
    return Buffer.from(this.#kept, 'latin1')
  }

  /** How many characters at the end of a text may be the beginning of what is looked for. */
  #beginningAtEnd (text: string): number {
    for (let length = Math.min(this.#from.length - 1, text.length); length > 0; length--) if (text.endsWith(this.#from.slice(0, length))) return length
    return 0
  }
}
