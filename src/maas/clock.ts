import { type Clock, systemClock } from './sign.ts'

/** Beyond this, in seconds, people are told: something is wrong with one of the clocks. */
export const NOTABLE_OFFSET = 60

/** Dates that no MAAS has; one of them says nothing about our clock. */
const EARLIEST_MS = Date.UTC(2020, 0)
const LATEST_MS = Date.UTC(2100, 0)

/** What MAAS says to a timestamp that is too old; 3.7 and later have a comma before "has" (P: `oauth.py`). */
const EXPIRED = /Expired timestamp: given \d+ and now (\d+)/

/**
 * The time as MAAS has it, learned from its answers. MAAS refuses a timestamp that is more than 300 s old and takes any from
 * the future, so only a slow clock of ours does harm: a clock that is ahead is left as it is.
 */
export class MaasClock {
  readonly #system: Clock
  readonly #onNotable: (offsetSeconds: number) => void
  #offset = 0
  #lastDate = ''

  /** @param onNotable is told when the offset has become notable, or is so no more */
  constructor (onNotable: (offsetSeconds: number) => void, system: Clock = systemClock) {
    this.#onNotable = onNotable
    this.#system = system
  }

  /** How many seconds the clock of MAAS is ahead of ours, negative if it is behind. */
  get offsetSeconds (): number { return this.#offset }

  /** The timestamp for a signature. */
  readonly now: Clock = () => this.#system() + Math.max(0, this.#offset)

  /** Learns from the field `Date` of an answer; one that is absurd is ignored. */
  learnFromDate (date: string): void {
    if (date === this.#lastDate) return // within the same second
    this.#lastDate = date
    this.#learn(Date.parse(date))
  }

  /** Learns from the body of a 401. @returns whether that was about the timestamp, so that a new one may be accepted */
  learnFromRefusal (body: string): boolean {
    const [, now] = EXPIRED.exec(body) ?? []
    return now !== undefined && this.#learn(Number(now) * 1000)
  }

  #learn (milliseconds: number): boolean {
    if (!(milliseconds > EARLIEST_MS && milliseconds < LATEST_MS)) return false
    const before = this.#offset
    this.#offset = Math.round(milliseconds / 1000) - this.#system()
    if ((Math.abs(before) > NOTABLE_OFFSET) !== (Math.abs(this.#offset) > NOTABLE_OFFSET)) this.#onNotable(this.#offset)
    return true
  }
}
