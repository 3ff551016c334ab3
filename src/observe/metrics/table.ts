import type { Durations } from './durations.ts'
import { REFUSAL_CODES, Traffic, UPSTREAM_CODES } from './traffic.ts'

/** One value of a metric. */
interface Sample {
  labels: Readonly<Record<string, string | number>>
  value: number
  /** the suffix to the name of a histogram: `_bucket`, `_sum` or `_count` */
  suffix?: string
}

/** One metric. */
export interface MetricRow {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: readonly string[]
  help: string
  /** returns the values of this moment */
  samples: () => readonly Sample[]
}

/** The sources that a scrape reads. None of them sends anything to MAAS. */
interface MetricSources {
  version: string
  commit: string
  clock: { offsetSeconds: number }
  keys: ReadonlyArray<{
    source: { name: string, file: string | null }
    health: { lastKnown: { ready: boolean } }
    /** seconds since the epoch */
    loadedAt: number
    failures: number
  }>
  /** the connections to MAAS, as undici's Pool counts them */
  upstream: { stats: { connected: number, free: number, running: number } }
  /** the requests that wait for a connection */
  queue: { waiting: number }
  /** how many connections clients have open, by listener */
  clientConnections: () => ReadonlyArray<{ listener: string, count: number }>
  /** the configuration in force */
  configuration: { failures: number }
  /** the configured clients, by listener */
  clients: () => ReadonlyArray<{ listener: string, name: string, expires: Date | null }>
  /** the ends of the certificates of listeners with TLS */
  certificates: () => ReadonlyArray<{ listener: string, expires: Date }>
}

/** Sources without a value, for texts about the metrics. */
const NO_SOURCES: MetricSources = {
  version: '',
  commit: '',
  clock: { offsetSeconds: 0 },
  keys: [],
  upstream: { stats: { connected: 0, free: 0, running: 0 } },
  queue: { waiting: 0 },
  clientConnections: Array.of,
  configuration: { failures: 0 },
  clients: Array.of,
  certificates: Array.of
}

/** Returns names, types, labels and helps of every metric, for the help and README. */
export function describeMetrics (): ReadonlyArray<Omit<MetricRow, 'samples'>> {
  return metricsTable(new Traffic(), NO_SOURCES)
}

/**
 * Returns every metric of the proxy, in the order of README. They follow the conventions of Prometheus: base units,
 * `_total` for counters, timestamps rather than ages. The values of labels are bounded, whatever clients send.
 */
export function metricsTable (traffic: Traffic, sources: MetricSources): readonly MetricRow[] {
  const { version, clock, keys, upstream, queue, clientConnections, configuration, clients, certificates } = sources
  const single = (value: () => number) => () => [{ labels: {}, value: value() }]
  const perCode = (codes: readonly (keyof Traffic['errors'])[]) => () => (
    codes.map(code => ({ labels: { code }, value: traffic.errors[code] }))
  )
  const perKey = (value: (key: typeof keys[number]) => number) => () => (
    keys.map(key => ({ labels: { key: key.source.file ?? key.source.name }, value: value(key) }))
  )
  return [
    metric('requests_total', 'counter', ['method', 'resource', 'op', 'access', 'status'],
      'requests, by route of the API; other for routes that MAAS does not have',
      () => traffic.requests.samples.map(({ labels, value }) => ({ labels: { ...labels }, value }))),
    metric('request_duration_seconds', 'histogram', ['method'],
      'time from the first line of a request to the end of its answer',
      () => perMethod(traffic.durations)),
    metric('upstream_duration_seconds', 'histogram', ['method'],
      'time from the sending of a request to MAAS, including the time to connect, to the head of its answer',
      () => perMethod(traffic.upstreamDurations)),
    metric('queue_duration_seconds', 'histogram', [],
      'time that requests waited for a connection to MAAS, of those that had to wait',
      () => traffic.queueDurations.samples()),
    metric('request_body_bytes_total', 'counter', [],
      'bytes of bodies from clients',
      single(() => traffic.requestBytes)),
    metric('response_body_bytes_total', 'counter', [],
      'bytes of bodies from MAAS',
      single(() => traffic.responseBytes)),
    metric('refused_total', 'counter', ['code'],
      'requests and connections that the proxy itself refused, by error code',
      perCode(REFUSAL_CODES)),
    metric('would_refuse_total', 'counter', [],
      'requests that passed only because of --policy-mode warn',
      single(() => traffic.wouldRefuse)),
    metric('upstream_errors_total', 'counter', ['code'],
      'requests that failed at MAAS or on the way to it, by error code',
      perCode(UPSTREAM_CODES)),
    metric('sent_total', 'counter', [],
      'requests sent to MAAS, second times included',
      single(() => traffic.sent)),
    metric('shared_reads_total', 'counter', [],
      'reads that shared the request of another one, by --share-reads',
      single(() => traffic.shared)),
    metric('retries_total', 'counter', [],
      'requests sent to MAAS a second time',
      single(() => traffic.retries)),
    metric('cut_off_total', 'counter', [],
      'answers that did not reach the client whole',
      single(() => traffic.cutOff)),
    metric('observer_failures_total', 'counter', [],
      'records and counts of requests lost to an internal error; the log has the reason',
      single(() => traffic.observerFailures)),
    metric('clock_offset_seconds', 'gauge', [],
      'seconds that the clock of MAAS is ahead of the clock of this machine',
      single(() => clock.offsetSeconds)),
    metric('ready', 'gauge', ['key'],
      '1 if MAAS last answered and accepted the key',
      perKey(key => Number(key.health.lastKnown.ready))),
    metric('key_loaded_timestamp_seconds', 'gauge', ['key'],
      'time at which the key in use was read',
      perKey(key => key.loadedAt)),
    metric('key_reload_failures_total', 'counter', ['key'],
      'times that the file of the key changed and could not be used',
      perKey(key => key.failures)),
    metric('config_reload_failures_total', 'counter', [],
      'times that a file of the settings changed and could not be used, so that the old settings stayed in force',
      single(() => configuration.failures)),
    metric('client_expires_timestamp_seconds', 'gauge', ['listener', 'client'],
      'time at which the access of a client ends, of those whose access ends',
      () => clients().flatMap(({ listener, name: client, expires }) => (
        expires === null ? [] : [{ labels: { listener, client }, value: expires.getTime() / 1000 }]
      ))),
    metric('certificate_expires_timestamp_seconds', 'gauge', ['listener'],
      'time at which the certificate of a listener with TLS ends',
      () => certificates().map(({ listener, expires }) => ({ labels: { listener }, value: expires.getTime() / 1000 }))),
    metric('client_connections', 'gauge', ['listener'],
      'open connections of clients',
      () => clientConnections().map(({ listener, count }) => ({ labels: { listener }, value: count }))),
    metric('client_connections_refused_total', 'counter', ['listener'],
      'connections of clients that were refused because of the limit of open files or of memory',
      () => [...traffic.refusedConnections].map(([listener, value]) => ({ labels: { listener }, value }))),
    metric('upstream_connections', 'gauge', ['state'],
      'open connections to MAAS',
      () => pair('busy', upstream.stats.connected - upstream.stats.free, 'idle', upstream.stats.free)),
    metric('upstream_requests', 'gauge', ['state'],
      'requests that MAAS is working on, and requests that wait for a connection to it',
      () => pair('running', upstream.stats.running, 'waiting', queue.waiting)),
    metric('build_info', 'gauge', ['version', 'commit', 'node'],
      'always 1',
      () => [{ labels: { version, commit: sources.commit, node: process.version }, value: 1 }])
  ]
}

function metric (
  name: string, type: MetricRow['type'], labels: readonly string[], help: string, samples: MetricRow['samples']
): MetricRow {
  return { name: `maas_auth_proxy_${name}`, type, labels, help, samples }
}

function perMethod (durations: ReadonlyMap<string, Durations>): Sample[] {
  return [...durations].flatMap(([method, histogram]) => (
    histogram.samples().map(sample => ({ ...sample, labels: { method, ...sample.labels } }))
  ))
}

function pair (firstState: string, first: number, secondState: string, second: number): Sample[] {
  return [{ labels: { state: firstState }, value: first }, { labels: { state: secondState }, value: second }]
}
