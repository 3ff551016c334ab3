import type { Durations } from './durations.ts'
import { REFUSAL_CODES, type Traffic, UPSTREAM_CODES } from './traffic.ts'

/** One value of a metric. */
export interface Sample {
  labels: Readonly<Record<string, string | number>>
  value: number
  /** what stands behind the name of a histogram: `_bucket`, `_sum` or `_count` */
  suffix?: string
}

/** One metric: what a monitoring system is told of it. */
export interface MetricRow {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: readonly string[]
  help: string
  /** the values at this moment */
  samples: () => readonly Sample[]
}

/** What is asked when somebody wants to know; nothing of it asks MAAS. */
export interface MetricSources {
  version: string
  clock: { offsetSeconds: number }
  keys: ReadonlyArray<{ source: { name: string, file: string | null }, health: { lastKnown: { ready: boolean } }, loadedAt: number, failures: number }>
  /** the connections to MAAS, as undici's Pool tells of them */
  upstream: { stats: { connected: number, free: number, running: number, size: number } }
  /** how many connections clients have open, by listener */
  clientConnections: () => ReadonlyArray<{ listener: string, count: number }>
}

/**
 * Every metric of the proxy's own, in the order of README, by the conventions of Prometheus: base units, `_total` for what only grows, a moment
 * and no age. What a label can say is bounded, whatever clients send.
 */
export function metricsTable (traffic: Traffic, { version, clock, keys, upstream, clientConnections }: MetricSources): readonly MetricRow[] {
  const perKey = (value: (key: typeof keys[number]) => number) => () => keys.map(key => ({ labels: { key: key.source.file ?? key.source.name }, value: value(key) }))
  const perCode = (codes: readonly (keyof Traffic['errors'])[]) => () => codes.map(code => ({ labels: { code }, value: traffic.errors[code] }))
  const single = (value: () => number) => () => [{ labels: {}, value: value() }]
  return [
    metric('requests_total', 'counter', ['method', 'resource', 'op', 'access', 'status'], 'requests, by route of the API; what MAAS does not have is other', () => traffic.requests.samples.map(({ labels, value }) => ({ labels: { ...labels }, value }))),
    metric('request_duration_seconds', 'histogram', ['method'], 'time from the first line of a request to the end of its answer', () => perMethod(traffic.durations)),
    metric('upstream_duration_seconds', 'histogram', ['method'], 'of it, time until the head of the answer of MAAS had come', () => perMethod(traffic.upstreamDurations)),
    metric('request_body_bytes_total', 'counter', [], 'bytes of bodies from clients', single(() => traffic.requestBytes)),
    metric('response_body_bytes_total', 'counter', [], 'bytes of bodies from MAAS', single(() => traffic.responseBytes)),
    metric('refused_total', 'counter', ['code'], 'requests and connections that the proxy itself refused, by the code of the error', perCode(REFUSAL_CODES)),
    metric('would_refuse_total', 'counter', [], 'requests that only --policy-mode warn let pass', single(() => traffic.wouldRefuse)),
    metric('upstream_errors_total', 'counter', ['code'], 'requests that MAAS, or the way to it, let down, by the code of the error', perCode(UPSTREAM_CODES)),
    metric('retries_total', 'counter', [], 'requests sent to MAAS a second time', single(() => traffic.retries)),
    metric('cut_off_total', 'counter', [], 'answers that did not reach the client whole', single(() => traffic.cutOff)),
    metric('observer_failures_total', 'counter', [], 'records and counts of requests that are missing because of a failure; the log has the reason', single(() => traffic.observerFailures)),
    metric('clock_offset_seconds', 'gauge', [], 'how far the clock of MAAS is ahead of that of this machine', single(() => clock.offsetSeconds)),
    metric('ready', 'gauge', ['key'], '1 if MAAS was last seen to answer and take the key; a scrape does not ask it', perKey(key => Number(key.health.lastKnown.ready))),
    metric('key_loaded_timestamp_seconds', 'gauge', ['key'], 'when the key in use was read', perKey(key => key.loadedAt)),
    metric('key_reload_failures_total', 'counter', ['key'], 'times that the file of the key had changed and could not be used', perKey(key => key.failures)),
    metric('client_connections', 'gauge', ['listener'], 'open connections of clients', () => clientConnections().map(({ listener, count }) => ({ labels: { listener }, value: count }))),
    metric('upstream_connections', 'gauge', ['state'], 'open connections to MAAS', () => pair('busy', upstream.stats.connected - upstream.stats.free, 'idle', upstream.stats.free)),
    metric('upstream_requests', 'gauge', ['state'], 'requests that MAAS is working on, and that wait for a connection to it', () => pair('running', upstream.stats.running, 'waiting', upstream.stats.size - upstream.stats.running)),
    metric('build_info', 'gauge', ['version', 'node'], 'always 1', () => [{ labels: { version, node: process.version }, value: 1 }])
  ]
}

function metric (name: string, type: MetricRow['type'], labels: readonly string[], help: string, samples: MetricRow['samples']): MetricRow {
  return { name: `maas_auth_proxy_${name}`, type, labels, help, samples }
}

function perMethod (durations: ReadonlyMap<string, Durations>): Sample[] {
  return [...durations].flatMap(([method, one]) => one.samples().map(sample => ({ ...sample, labels: { method, ...sample.labels } })))
}

function pair (first: string, one: number, second: string, other: number): Sample[] {
  return [{ labels: { state: first }, value: one }, { labels: { state: second }, value: other }]
}
