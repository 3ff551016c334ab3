/** How long a fact counts, in milliseconds. MAAS may be upgraded, and users renamed. */
const FRESH_MS = 10 * 60_000

/** The shortest interval between two questions, in milliseconds. */
const RETRY_MS = 1000

/** A fact about MAAS for people, which is asked for when somebody wants to know it, and then kept. */
export class KnownFact<T> {
  readonly #ask: () => Promise<T | null>
  #value: T | null = null
  #freshUntil = 0
  #pending: Promise<T | null> | null = null

  /** @param ask asks MAAS; null if it does not say. It rejects never. */
  constructor (ask: () => Promise<T | null>) {
    this.#ask = ask
  }

  /** The last known fact; null if there is none. It sends nothing to MAAS. */
  get lastKnown (): T | null { return this.#value }

  /** Takes a fact from elsewhere. @param value null if the last known one holds no longer */
  learn (value: T | null): void {
    this.#value = value
    this.#freshUntil = value === null ? 0 : performance.now() + FRESH_MS
  }

  /** Resolves to the fact, after a question to MAAS if it is not fresh. Callers at the same time share a question. */
  async find (): Promise<T | null> {
    if (performance.now() < this.#freshUntil) return this.#value
    this.#pending ??= this.#ask().then(value => {
      this.#pending = null
      if (value !== null) this.learn(value)
      else this.#freshUntil = performance.now() + RETRY_MS
      return this.#value
    })
    return await this.#pending
  }
}
