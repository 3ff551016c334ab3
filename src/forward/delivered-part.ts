import { createHash, type Hash } from 'node:crypto'

/** The fields by which two answers with the same bytes may differ all the same (RFC 9110 §8). */
const REPRESENTATION_FIELDS: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'content-length'])

/** The part of an answer that has been delivered: its length, and a hash of it, with the head. */
export class DeliveredPart {
  readonly #hash: Hash
  #bytes = 0

  constructor (hash: Hash, bytes: number) {
    this.#hash = hash
    this.#bytes = bytes
  }

  /**
   * Begins with the head of an answer.
   * @param rawHeaders names and values in turns, as bytes
   */
  static ofHead (status: number, rawHeaders: readonly Buffer[]): DeliveredPart {
    const fields = rawHeaders.map(bytes => bytes.toString('latin1'))
    const named = fields.filter((_, i) => REPRESENTATION_FIELDS.has((fields[i - i % 2] as string).toLowerCase()))
    return new DeliveredPart(createHash('sha256').update(JSON.stringify([status, named])), 0)
  }

  /** The number of body bytes. */
  get bytes (): number { return this.#bytes }

  /** Adds a part of the body. */
  add (chunk: Buffer): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.length
  }

  /** A copy that does not grow. */
  copy (): DeliveredPart {
    return new DeliveredPart(this.#hash.copy(), this.#bytes)
  }

  /** Whether two parts have the same head and the same bytes. */
  equals (other: DeliveredPart): boolean {
    return this.#bytes === other.#bytes && this.copy().#hash.digest('hex') === other.copy().#hash.digest('hex')
  }
}
