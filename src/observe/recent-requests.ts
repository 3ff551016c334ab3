import type { Outcome } from '../exchange/plugin.ts'
import type { RequestFacts } from './log/request-line.ts'

/** The number of requests that are kept. Each keeps its target, which is at most as large as a request header. */
const MAX_REQUESTS = 50

/** A finished request. */
export interface RecentRequest extends RequestFacts {
  /** the end of the request, in milliseconds since the epoch */
  at: number
}

/** The latest requests. */
export class RecentRequests {
  readonly #ring: RecentRequest[] = []
  #next = 0

  /** Keeps a finished request, in the place of the oldest. */
  add ({ request: { method }, exchange, status, complete, ms }: Outcome): void {
    const { target, op, opUnknown, access, client, error, hint, wouldRefuse } = exchange
    this.#ring[this.#next] = {
      at: Date.now(),
      method,
      path: target?.rawPath,
      op: op ?? undefined,
      opUnknown: opUnknown ?? undefined,
      access: access ?? undefined,
      client: client ?? undefined,
      status: status ?? undefined,
      complete,
      ms,
      error: error ?? undefined,
      hint: hint ?? undefined,
      wouldRefuse: wouldRefuse ?? undefined
    }
    this.#next = (this.#next + 1) % MAX_REQUESTS
  }

  /** The requests, the latest first. */
  get latest (): readonly RecentRequest[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].reverse()
  }
}
