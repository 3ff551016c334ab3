import type { AnswerReader } from './reader.ts'

/**
 * Reads that wait for their turn, by what they ask for. A read is here only until it, or one that asks for the same, is
 * sent. So nobody joins a request that MAAS may have begun to answer, and nobody gets an answer that was begun before
 * they asked.
 */
export class WaitingReads {
  readonly #byKey = new Map<string, Set<AnswerReader>>()

  /** Adds a read. @param key what it asks for, of `shareKey` */
  add (key: string, read: AnswerReader): void {
    const known = this.#byKey.get(key)
    if (known === undefined) this.#byKey.set(key, new Set([read]))
    else known.add(read)
  }

  /** Removes a read that waits no more. */
  delete (key: string, read: AnswerReader): void {
    const known = this.#byKey.get(key) as Set<AnswerReader>
    known.delete(read)
    if (known.size === 0) this.#byKey.delete(key)
  }

  /** Removes a read whose turn has come, and all that ask for the same. @returns those others, in order of arrival */
  takeOthers (key: string, read: AnswerReader): readonly AnswerReader[] {
    this.delete(key, read)
    const others = [...this.#byKey.get(key) ?? []]
    this.#byKey.delete(key)
    return others
  }
}
