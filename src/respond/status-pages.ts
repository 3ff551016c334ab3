import type { FastifyInstance } from 'fastify'
import type { Readiness } from '../observe/health.ts'
import type { MetricsText } from '../observe/metrics/page.ts'

/** The pages for whoever watches the proxy. MAAS serves nothing under `/-/`. */
export const LIVE_PATH = '/-/live'
export const READY_PATH = '/-/ready'
export const METRICS_PATH = '/-/metrics'

/** Whether requests would be answered, and what there is to know beside it. */
export interface ReadinessReport extends Readiness {
  /** how far the clock of MAAS is ahead of ours, as far as is known; signatures follow it */
  clockOffsetSeconds: number
}

/** Where the pages have what they show. */
export interface StatusPagesOptions {
  readiness: () => Promise<ReadinessReport>
  metrics: () => Promise<MetricsText>
}

/** Registers the pages that tell whether the process lives, whether requests would be answered, and what has been counted. */
export async function statusPages (app: FastifyInstance, { readiness, metrics }: StatusPagesOptions): Promise<void> {
  app.get(LIVE_PATH, async (_request, reply) => await reply.header('Cache-Control', 'no-store').send({ live: true }))
  app.get(READY_PATH, async (_request, reply) => {
    const verdict = await readiness()
    return await reply.code(verdict.ready ? 200 : 503).header('Cache-Control', 'no-store').send(verdict)
  })
  app.get(METRICS_PATH, async (_request, reply) => {
    const { contentType, text } = await metrics()
    return await reply.headers({ 'Content-Type': contentType, 'Cache-Control': 'no-store' }).send(text)
  })
}
