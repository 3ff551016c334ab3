import type { Gauge, Registry } from 'prom-client'
import type { MetricRow } from './metrics-table.ts'

/** What a scrape gets. */
export interface MetricsText {
  contentType: string
  text: string
}

/**
 * Makes what answers a scrape. prom-client takes a tenth of a second to load, which who never scrapes need not wait for: it comes with the first
 * scrape.
 */
export function metricsPage (rows: readonly MetricRow[]): () => Promise<MetricsText> {
  let own: Registry | undefined
  return async () => {
    const { Registry } = await import('prom-client')
    own ??= registerAll(new Registry(), rows)
    const all = Registry.merge([own, await processRegistry()])
    return { contentType: all.contentType, text: await all.metrics() }
  }
}

function registerAll (registry: Registry, rows: readonly MetricRow[]): Registry {
  for (const { name, help, type, samples } of rows) {
    const values = () => samples().map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix }))
    // A registry asks a metric for its name and for `get`, as for what other processes have counted; its types ask for more.
    registry.registerMetric({ name, get: async () => ({ name, help, type, aggregator: 'sum', values: values() }) } as unknown as Gauge)
  }
  return registry
}

let ofProcess: Registry | undefined

/**
 * The metrics of the process: CPU, memory, descriptors, event loop, collections. They are the same for every proxy in it, and what watches the
 * event loop and the collections for them cannot be stopped, so there is one for all, from the first scrape on.
 */
async function processRegistry (): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
