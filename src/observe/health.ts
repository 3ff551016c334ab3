import type { Outcome } from './exchanges.ts'

/** Whether requests will be answered, and if not, why and what to do. */
export interface Verdict {
  ready: boolean
  reason: string
  /** null where nothing needs to be done */
  remedy: string | null
}

const PROVEN: Verdict = { ready: true, reason: 'MAAS answers and takes the API key', remedy: null }

/** How long something that was seen to work is taken to work. */
const FRESH_MS = 30_000

/** How often, at most, what does not work is asked again. */
const RECOVERY_MS = 1000

/**
 * Whether MAAS answers and takes a key. Known from the traffic where there is some; asked of MAAS when somebody wants to know and
 * the last sign of life is too old, so that nobody is asked for nothing.
 */
export class Health {
  readonly #probe: () => Promise<Verdict>
  #verdict: Verdict = { ready: false, reason: 'MAAS has not been asked yet', remedy: null }
  #until = 0
  /** counts up when what is being asked is of no use any more */
  #era = 0
  #doubtedAt = 0
  #asking: Promise<Verdict> | null = null

  /** @param probe asks MAAS, by a signed request */
  constructor (probe: () => Promise<Verdict>) {
    this.#probe = probe
  }

  /** What was known last, without asking. */
  get lastKnown (): Verdict { return this.#verdict }

  /** Learns from a request: what MAAS took is proof that all is well, and what it did not is a reason to ask. */
  observe ({ exchange: { access, attempts, error, startedAt }, status, ms }: Outcome): void {
    if (attempts === 0 || access !== 'signed') return
    if (error !== null || status === 401) this.doubt()
    // Success alone: the nginx of MAAS refuses before anybody looks at a key. What began before the doubt may have been signed with another.
    else if (status !== null && status < 300 && startedAt > this.#doubtedAt) this.#know(PROVEN, startedAt + ms)
  }

  /** Forgets what is known, as for a new key. */
  doubt (): void {
    this.#until = 0
    this.#doubtedAt = performance.now()
    this.#era++
    this.#asking = null
  }

  /** What is known, if it is fresh; otherwise what MAAS says now. */
  async ask (): Promise<Verdict> {
    if (performance.now() < this.#until) return this.#verdict
    const era = this.#era
    this.#asking ??= this.#probe().then(verdict => {
      if (era !== this.#era) return verdict
      this.#asking = null
      return this.#know(verdict, performance.now())
    })
    return await this.#asking
  }

  #know (verdict: Verdict, since: number): Verdict {
    this.#verdict = verdict
    this.#until = since + (verdict.ready ? FRESH_MS : RECOVERY_MS)
    return verdict
  }
}
