import type * as PromClient from 'prom-client'
import type { Counter, Gauge, Registry } from 'prom-client'
import type { MetricRow } from './table.ts'

/** What a scrape gets. */
export interface MetricsText {
  contentType: string
  text: string
}

type Client = typeof PromClient

/**
 * Makes what answers a scrape. prom-client takes 80 ms to load: it comes with the first scrape, so that no start waits.
 */
export function metricsPage (rows: readonly MetricRow[]): () => Promise<MetricsText> {
  let own: Array<() => Registry> | undefined
  return async () => {
    const client = await import('prom-client')
    own ??= rows.map(row => registryOf(client, row))
    const all = client.Registry.merge([...own.map(registry => registry()), registryOfProcess(client)])
    return { contentType: all.contentType, text: await all.metrics() }
  }
}

/** Makes the registry of one metric; merged registries keep their order. */
function registryOf (client: Client, row: MetricRow): () => Registry {
  if (row.type === 'histogram') return () => aggregated(client, row)
  const registry = new client.Registry()
  registry.registerMetric(collected(client, row))
  return () => registry
}

/** prom-client's Histogram takes single observations only. Counts go in as those of another process do. */
function aggregated ({ AggregatorRegistry }: Client, { name, help, type, samples }: MetricRow): Registry {
  const values = samples().map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix }))
  return AggregatorRegistry.aggregate([[{ name, help, type, aggregator: 'sum', values }]])
}

/** Makes a metric that takes its values at a scrape. */
function collected (client: Client, { name, help, type, labels: labelNames, samples }: MetricRow): Counter | Gauge {
  const options = { name, help, labelNames, registers: [] }
  if (type === 'counter') {
    return new client.Counter({
      ...options,
      collect () {
        this.reset()
        for (const { labels, value } of samples()) this.inc(labels, value)
      }
    })
  }
  return new client.Gauge({
    ...options,
    collect () {
      this.reset()
      for (const { labels, value } of samples()) this.set(labels, value)
    }
  })
}

let ofProcess: Registry | undefined

/**
 * The metrics of the process: CPU, memory, descriptors, event loop, collections. They are the same for every proxy in it, and what watches the
 * event loop and the collections for them cannot be stopped, so there is one for all, from the first scrape on.
 */
function registryOfProcess ({ collectDefaultMetrics, Registry }: Client): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
