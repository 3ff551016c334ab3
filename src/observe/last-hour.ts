import type { Outcome } from '../exchange/plugin.ts'

const MINUTE_MS = 60_000

/** The number of minutes that are kept. */
const MINUTES = 60

/** Classes of durations: class i is up to 2^(i/2) ms, so the last one is up to 17 minutes. */
const CLASSES = 41

/** The requests of one minute. */
export interface MinuteSummary {
  requests: number
  /** those that the proxy refused, or that failed */
  failed: number
  /** half of the requests took at most this, in milliseconds, to within two fifths; 0 without requests */
  medianMs: number
  /** 95 of 100 requests took at most this, likewise */
  slowMs: number
}

interface Minute {
  /** the number of the minute since the epoch */
  number: number
  requests: number
  failed: number
  durations: Uint32Array
}

/** Counts of the requests of the last hour, minute by minute. It takes 14 KiB, whatever clients send. */
export class LastHour {
  readonly #now: () => number
  readonly #minutes: Minute[]

  /** @param now the time in milliseconds since the epoch */
  constructor (now = () => Date.now()) {
    this.#now = now
    this.#minutes = Array.from({ length: MINUTES }, () => (
      { number: -1, requests: 0, failed: 0, durations: new Uint32Array(CLASSES) }
    ))
  }

  /** Counts a finished request. */
  add ({ status, exchange: { error }, ms }: Pick<Outcome, 'status' | 'exchange' | 'ms'>): void {
    const minute = this.#minuteOf(Math.floor(this.#now() / MINUTE_MS))
    minute.requests++
    if (error !== null || (status ?? 500) >= 500) minute.failed++
    const at = Math.min(Math.max(Math.ceil(2 * Math.log2(ms)), 0), CLASSES - 1)
    ;(minute.durations[at] as number)++
  }

  /** The last sixty minutes, the present one last. */
  get minutes (): MinuteSummary[] {
    const present = Math.floor(this.#now() / MINUTE_MS)
    return Array.from({ length: MINUTES }, (_, i) => summarize(this.#minuteOf(present - MINUTES + 1 + i)))
  }

  /** The record of a minute, in the place of the one an hour before. */
  #minuteOf (number: number): Minute {
    const minute = this.#minutes[number % MINUTES] as Minute
    if (minute.number !== number) {
      Object.assign(minute, { number, requests: 0, failed: 0 })
      minute.durations.fill(0)
    }
    return minute
  }
}

function summarize ({ requests, failed, durations }: Minute): MinuteSummary {
  const upTo = (share: number) => {
    let count = 0
    const at = durations.findIndex(inClass => (count += inClass) >= requests * share)
    return requests === 0 ? 0 : 2 ** (at / 2)
  }
  return { requests, failed, medianMs: upTo(0.5), slowMs: upTo(0.95) }
}
