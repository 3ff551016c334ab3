import type * as PromClient from 'prom-client'
import type { Counter, Gauge, Registry } from 'prom-client'
import type { MetricRow } from './table.ts'

/** The answer to a scrape. */
export interface MetricsText {
  contentType: string
  text: string
}

type Client = typeof PromClient

/**
 * Creates the function that answers a scrape. The first scrape loads prom-client, which would add 80 ms to the start.
 */
export function metricsPage (rows: readonly MetricRow[]): () => Promise<MetricsText> {
  let own: Array<() => Registry> | undefined
  return async () => {
    const client = await import('prom-client')
    own ??= rows.map(row => registryOf(client, row))
    const all = client.Registry.merge([...own.map(registry => registry()), getProcessRegistry(client)])
    return { contentType: all.contentType, text: await all.metrics() }
  }
}

/** Creates a function that returns the registry of one metric. One registry each: merging keeps their order. */
function registryOf (client: Client, row: MetricRow): () => Registry {
  if (row.type === 'histogram') return () => histogramRegistry(client, row)
  const registry = new client.Registry()
  registry.registerMetric(createMetric(client, row))
  return () => registry
}

/**
 * Passes ready counts by prom-client's aggregation of processes, since its Histogram takes single observations only.
 */
function histogramRegistry ({ AggregatorRegistry }: Client, { name, help, type, samples }: MetricRow): Registry {
  const values = samples().map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix }))
  return AggregatorRegistry.aggregate([[{ name, help, type, aggregator: 'sum', values }]])
}

/** Creates a metric that reads its values at each scrape. */
function createMetric (client: Client, { name, help, type, labels: labelNames, samples }: MetricRow): Counter | Gauge {
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

let processRegistry: Registry | undefined

/**
 * Returns the metrics of the process: CPU, memory, descriptors, event loop, garbage collections. All proxies of a
 * process share them, from the first scrape on, because their observers of event loop and collections cannot be
 * stopped.
 */
function getProcessRegistry ({ collectDefaultMetrics, Registry }: Client): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}
