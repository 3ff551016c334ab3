import type { Outcome } from '../exchange/plugin.ts'

/** Whether MAAS answers signed requests, and if not, why and what to do. */
export interface Readiness {
  ready: boolean
  reason: string
  /** null if there is nothing to do */
  remedy: string | null
}

const READY: Readiness = { ready: true, reason: 'MAAS answers and takes the API key', remedy: null }

/** How long a success counts, in milliseconds. */
const FRESH_MS = 30_000

/** How long a failure counts, in milliseconds: the shortest interval between probes. */
const RECOVERY_MS = 1000

/** The statuses by which the nginx of MAAS, or another server in front of it, says that MAAS does not answer. */
const FAILURES: ReadonlyArray<number | null> = [502, 503, 504]

/**
 * Knows whether MAAS answers and accepts a key. Requests that MAAS accepts renew it; MAAS is probed only if somebody
 * asks and the last result is too old.
 */
export class Health {
  readonly #probe: () => Promise<Readiness>
  #readiness: Readiness = { ready: false, reason: 'MAAS has not been asked yet', remedy: null }
  #freshUntil = 0
  /** grows at each invalidation, so that the result of an older probe is not kept */
  #generation = 0
  #invalidatedAt = 0
  #pendingProbe: Promise<Readiness> | null = null

  /** @param probe sends a signed request to MAAS */
  constructor (probe: () => Promise<Readiness>) {
    this.#probe = probe
  }

  /** The last result, however old; it sends nothing to MAAS. */
  get lastKnown (): Readiness { return this.#readiness }

  /**
   * Learns from a request: a success of a signed request is proof, its 401 is a reason to probe, and so is every
   * failure of MAAS or on the way to it.
   */
  observe ({ exchange: { access, attempts, error, startedAt }, status, ms }: Outcome): void {
    if (attempts === 0 || error === 'MAAS_PROXY_BODY_TIMED_OUT') return
    if (error !== null || FAILURES.includes(status)) return this.invalidate()
    if (access !== 'signed') return
    if (status === 401) this.invalidate()
    // Only a success is proof, because the nginx of MAAS refuses requests before the key is checked. A request that
    // started before the last invalidation may have been signed with another key.
    else if (status !== null && status < 300 && startedAt > this.#invalidatedAt) this.#remember(READY, startedAt + ms)
  }

  /** Makes the next question probe MAAS, as after a new key. */
  invalidate (): void {
    this.#freshUntil = 0
    this.#invalidatedAt = performance.now()
    this.#generation++
    this.#pendingProbe = null
  }

  /**
   * Resolves to the last result if it is fresh, otherwise to that of a probe. Callers at the same time share a probe.
   */
  async ask (): Promise<Readiness> {
    if (performance.now() < this.#freshUntil) return this.#readiness
    const generation = this.#generation
    this.#pendingProbe ??= this.#probe().then(readiness => {
      if (generation !== this.#generation) return readiness
      this.#pendingProbe = null
      return this.#remember(readiness, performance.now())
    })
    return await this.#pendingProbe
  }

  #remember (readiness: Readiness, since: number): Readiness {
    this.#readiness = readiness
    this.#freshUntil = since + (readiness.ready ? FRESH_MS : RECOVERY_MS)
    return readiness
  }
}
