import { type ErrorCode, ERRORS } from '../../errors.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { Durations } from './durations.ts'
import type { Outcome } from '../../exchange/plugin.ts'
import { RequestCounts } from './request-counts.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

/** The codes of failures of MAAS or of the way to it. */
export const UPSTREAM_CODES = CODES.filter(code => ERRORS[code].status === 502 || ERRORS[code].status === 504)
/** The codes of the proxy's own refusals. */
export const REFUSAL_CODES = CODES.filter(code => !UPSTREAM_CODES.includes(code))

/** Counts of all requests since the start. `table.ts` makes metrics of them at a scrape. */
export class Traffic {
  readonly requests = new RequestCounts()
  readonly durations = new Map<string, Durations>()
  readonly queueDurations = new Durations()
  readonly upstreamDurations = new Map<string, Durations>()
  readonly errors = Object.fromEntries(CODES.map(code => [code, 0])) as Record<ErrorCode, number>
  /** connections that were refused, by listener */
  readonly refusedConnections = new Map<string, number>()
  requestBytes = 0
  responseBytes = 0
  /** attempts */
  sent = 0
  /** requests that shared the answer to another one, or a part of it */
  shared = 0
  retries = 0
  wouldRefuse = 0
  cutOff = 0
  observerFailures = 0

  /** Counts a finished request. */
  add (outcome: Outcome): void {
    const { request: { method }, exchange, complete, ms } = outcome
    this.requests.add(outcome)
    durationsOf(this.durations, method).add(ms / 1000)
    if (exchange.queuedMs !== null) this.queueDurations.add(exchange.queuedMs / 1000)
    this.sent += exchange.attempts
    if (exchange.sharedWith !== null) this.shared++
    if (exchange.attempts > 0) this.#addAnswer(method, exchange)
    if (exchange.error !== null) this.errors[exchange.error]++
    if (exchange.attempts > 1) this.retries += exchange.attempts - 1
    if (exchange.wouldRefuse !== null) this.wouldRefuse++
    if (!complete) this.cutOff++
    this.requestBytes += exchange.requestBytes
  }

  /** Counts what MAAS did for a request that was sent. What shared its answer cost MAAS nothing. */
  #addAnswer (method: string, { upstreamMs, responseBytes }: Exchange): void {
    if (upstreamMs !== null) durationsOf(this.upstreamDurations, method).add(upstreamMs / 1000)
    this.responseBytes += responseBytes
  }

  /** Counts a refusal that has no request, such as of bytes that are not HTTP. */
  addRefusal (code: ErrorCode): void {
    this.errors[code]++
  }
}

function durationsOf (map: Map<string, Durations>, method: string): Durations {
  const known = map.get(method)
  if (known !== undefined) return known
  const durations = new Durations()
  map.set(method, durations)
  return durations
}
