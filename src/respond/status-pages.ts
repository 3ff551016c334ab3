import type { FastifyInstance } from 'fastify'
import type { Readiness } from '../observe/health.ts'
import type { MetricsText } from '../observe/metrics/page.ts'

/** The path of the liveness page: 200 while the process serves. MAAS serves nothing below `/-/`. */
export const LIVE_PATH = '/-/live'

/** The path of the readiness page: 200 while requests can be forwarded, else 503. */
export const READY_PATH = '/-/ready'

/** The path of the metrics, in the text format of Prometheus. */
export const METRICS_PATH = '/-/metrics'

/** The body of the readiness page. */
interface ReadinessReport extends Readiness {
  /** by how much the clock of MAAS is ahead of ours, as last seen; signatures use MAAS's time */
  clockOffsetSeconds: number
}

/** The sources of the pages. */
export interface StatusPagesOptions {
  readiness: () => Promise<ReadinessReport>
  metrics: () => Promise<MetricsText>
}

/** Registers the pages for monitoring: liveness, readiness (503 if not ready) and metrics. */
export async function statusPages (
  app: FastifyInstance, { readiness, metrics }: StatusPagesOptions
): Promise<void> {
  app.get(LIVE_PATH, async (_request, reply) => await reply.header('Cache-Control', 'no-store').send({ live: true }))
  app.get(READY_PATH, async (_request, reply) => {
    const report = await readiness()
    return await reply.code(report.ready ? 200 : 503).header('Cache-Control', 'no-store').send(report)
  })
  app.get(METRICS_PATH, async (_request, reply) => {
    const { contentType, text } = await metrics()
    return await reply.headers({ 'Content-Type': contentType, 'Cache-Control': 'no-store' }).send(text)
  })
}
