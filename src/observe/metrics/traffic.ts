import { type ErrorCode, ERRORS } from '../../errors.ts'
import { Durations } from './durations.ts'
import type { Outcome } from '../../exchange/plugin.ts'
import { RequestCounts } from './request-counts.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

/** The errors with which MAAS, or what is on the way to it, let a request down; all others are the proxy's own refusals. */
export const UPSTREAM_CODES = CODES.filter(code => ERRORS[code].status === 502 || ERRORS[code].status === 504)
export const REFUSAL_CODES = CODES.filter(code => !UPSTREAM_CODES.includes(code))

/** What has gone through the proxy since it started. It is only counted here; what a monitoring system wants is made of it when it asks. */
export class Traffic {
  readonly requests = new RequestCounts()
  readonly durations = new Map<string, Durations>()
  readonly upstreamDurations = new Map<string, Durations>()
  readonly errors = Object.fromEntries(CODES.map(code => [code, 0])) as Record<ErrorCode, number>
  requestBytes = 0
  responseBytes = 0
  retries = 0
  wouldRefuse = 0
  cutOff = 0
  observerFailures = 0

  /** Counts a request that is over. */
  add (outcome: Outcome): void {
    const { request: { method }, exchange, complete, ms } = outcome
    this.requests.add(outcome)
    durationsOf(this.durations, method).add(ms / 1000)
    if (exchange.upstreamMs !== null) durationsOf(this.upstreamDurations, method).add(exchange.upstreamMs / 1000)
    if (exchange.error !== null) this.errors[exchange.error]++
    if (exchange.attempts > 1) this.retries += exchange.attempts - 1
    if (exchange.wouldRefuse !== null) this.wouldRefuse++
    if (!complete) this.cutOff++
    this.requestBytes += exchange.requestBytes
    this.responseBytes += exchange.responseBytes
  }

  /** Counts what was refused before it was a request, as bytes that are no HTTP. */
  addRefusal (code: ErrorCode): void {
    this.errors[code]++
  }
}

function durationsOf (map: Map<string, Durations>, method: string): Durations {
  const found = map.get(method)
  if (found !== undefined) return found
  const made = new Durations()
  map.set(method, made)
  return made
}
