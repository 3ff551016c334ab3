import { type Clock, systemClock } from './sign.ts'

/** The offset, in seconds, beyond which one of the two clocks is wrong and the log says so. */
export const NOTABLE_OFFSET = 60

/** The range of plausible dates, in milliseconds since the epoch; others are ignored. */
const EARLIEST_MS = Date.UTC(2020, 0)
const LATEST_MS = Date.UTC(2100, 0)

/** MAAS's answer to an old timestamp (piston3 `oauth.py`); MAAS 3.7 and later have a comma before "has". */
const EXPIRED = /Expired timestamp: given \d+ and now (\d+)/

/**
 * The clock of MAAS, learned from its answers. MAAS refuses a timestamp that is more than 300 s old and accepts any in
 * the future, so only a local clock that is behind is corrected.
 */
export class MaasClock {
  readonly #system: Clock
  readonly #onNotable: (offsetSeconds: number) => void
  #offset = 0
  #isKnown = false
  #lastDate = ''

  /**
   * @param onNotable called with the offset, in seconds, when it exceeds {@link NOTABLE_OFFSET} and when it no longer
   * does
   * @param system the local clock
   */
  constructor (onNotable: (offsetSeconds: number) => void, system: Clock = systemClock) {
    this.#onNotable = onNotable
    this.#system = system
  }

  /** Seconds that the clock of MAAS is ahead of the local one; negative if it is behind. */
  get offsetSeconds (): number { return this.#offset }

  /** Whether MAAS has told its time yet. Until then the offset is 0. */
  get isKnown (): boolean { return this.#isKnown }

  /** Returns the timestamp for a signature. */
  readonly now: Clock = () => this.#system() + Math.max(0, this.#offset)

  /** Learns from the field `Date` of an answer (RFC 9110 §6.6.1). An implausible date is ignored. */
  learnFromDate (date: string): void {
    if (date === this.#lastDate) return // within the same second
    this.#lastDate = date
    this.#learn(Date.parse(date))
  }

  /**
   * Learns from the body of a 401.
   * @returns whether MAAS refused the timestamp, so that a new one may be accepted
   */
  learnFromRefusal (body: string): boolean {
    const [, now] = EXPIRED.exec(body) ?? []
    return now !== undefined && this.#learn(Number(now) * 1000)
  }

  #learn (milliseconds: number): boolean {
    if (!(milliseconds > EARLIEST_MS && milliseconds < LATEST_MS)) return false
    const before = this.#offset
    this.#isKnown = true
    this.#offset = Math.round(milliseconds / 1000) - this.#system()
    if ((Math.abs(before) > NOTABLE_OFFSET) !== (Math.abs(this.#offset) > NOTABLE_OFFSET)) this.#onNotable(this.#offset)
    return true
  }
}

/** Describes an offset of MAAS's clock in words: `the same`, `3 s ahead` or `3 s behind`. */
export function describeOffset (offsetSeconds: number): string {
  if (offsetSeconds === 0) return 'the same'
  return `${Math.abs(offsetSeconds)} s ${offsetSeconds > 0 ? 'ahead' : 'behind'}`
}
