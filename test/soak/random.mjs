// Choices that are the same for the same seed. Each worker has its own row of them, so that they do not depend on who
// is faster.

/** A row of numbers below 1, by mulberry32. */
export class Random {
  #state

  constructor (seed) {
    this.#state = seed >>> 0
  }

  next () {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Whole numbers from `low` to `high`, both included. */
  between (low, high) { return low + Math.floor(this.next() * (high - low + 1)) }

  /** Whether something of this probability happens. */
  chance (probability) { return this.next() < probability }

  pick (list) { return list[this.between(0, list.length - 1)] }

  /** One of the keys of an object, as often as its weight says. */
  weighted (weights) {
    const entries = Object.entries(weights)
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    return (entries.find(([, weight]) => (left -= weight) < 0) ?? entries[0])[0]
  }

  /** Sizes as they come: most are small, some are large. */
  size (largest) { return Math.floor(largest ** this.next()) }
}
