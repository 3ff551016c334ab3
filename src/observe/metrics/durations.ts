/** Upper bounds in seconds: MAAS answers a small read in 10 ms, a list of machines in seconds, a power query in a minute, and never after 900 s. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900] as const

/**
 * Counts of durations, in buckets. Not prom-client's Histogram, which would have to be there at the first request:
 * prom-client takes 80 ms to load, and only a scrape should wait for it. An observation takes 0.02 µs here, 0.4 there.
 */
export class Durations {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0)
  #sum = 0

  add (seconds: number): void {
    let i = 0
    while (i < BOUNDS.length && seconds > (BOUNDS[i] as number)) i++
    ;(this.#counts[i] as number)++
    this.#sum += seconds
  }

  /** The samples of a Prometheus histogram: each bucket has what the ones below it have too. */
  samples (): Array<{ suffix: string, labels: { le?: number | string }, value: number }> {
    let count = 0
    const buckets = this.#counts.map((inBucket, i) => ({ suffix: '_bucket', labels: { le: BOUNDS[i] ?? '+Inf' }, value: (count += inBucket) }))
    return [...buckets, { suffix: '_sum', labels: {}, value: this.#sum }, { suffix: '_count', labels: {}, value: count }]
  }
}
