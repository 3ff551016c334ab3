import type { Outcome } from '../exchange/plugin.ts'

/** Whether requests will be answered, and if not, why and what to do. */
export interface Readiness {
  ready: boolean
  reason: string
  /** null where nothing needs to be done */
  remedy: string | null
}

const PROVEN: Readiness = { ready: true, reason: 'MAAS answers and takes the API key', remedy: null }

/** How long something that was seen to work is taken to work. */
const FRESH_MS = 30_000

/** How often, at most, what does not work is asked again. */
const RECOVERY_MS = 1000

/**
 * Whether MAAS answers and takes a key. Known from the traffic where there is some; asked of MAAS when somebody wants to know and
 * the last sign of life is too old, so that nobody is asked for nothing.
 */
export class Health {
  readonly #probe: () => Promise<Readiness>
  #verdict: Readiness = { ready: false, reason: 'MAAS has not been asked yet', remedy: null }
  #until = 0
  /** counts up when what is being asked is of no use any more */
  #generation = 0
  #invalidatedAt = 0
  #asking: Promise<Readiness> | null = null

  /** @param probe asks MAAS, by a signed request */
  constructor (probe: () => Promise<Readiness>) {
    this.#probe = probe
  }

  /** What was known last, without asking. */
  get lastKnown (): Readiness { return this.#verdict }

  /** Learns from a request: what MAAS took is proof that all is well, and what it did not is a reason to ask. */
  observe ({ exchange: { access, attempts, error, startedAt }, status, ms }: Outcome): void {
    if (attempts === 0 || access !== 'signed') return
    if (error !== null || status === 401) this.invalidate()
    // Success alone: the nginx of MAAS refuses before anybody looks at a key. What began before the doubt may have been signed with another.
    else if (status !== null && status < 300 && startedAt > this.#invalidatedAt) this.#know(PROVEN, startedAt + ms)
  }

  /** Forgets what is known, as for a new key. */
  invalidate (): void {
    this.#until = 0
    this.#invalidatedAt = performance.now()
    this.#generation++
    this.#asking = null
  }

  /** What is known, if it is fresh; otherwise what MAAS says now. */
  async ask (): Promise<Readiness> {
    if (performance.now() < this.#until) return this.#verdict
    const era = this.#generation
    this.#asking ??= this.#probe().then(verdict => {
      if (era !== this.#generation) return verdict
      this.#asking = null
      return this.#know(verdict, performance.now())
    })
    return await this.#asking
  }

  #know (verdict: Readiness, since: number): Readiness {
    this.#verdict = verdict
    this.#until = since + (verdict.ready ? FRESH_MS : RECOVERY_MS)
    return verdict
  }
}
