import type { FastifyInstance } from 'fastify'
import type { Verdict } from '../observe/health.ts'

/** The pages for whoever watches the proxy. MAAS serves nothing under `/-/`. */
export const LIVE_PATH = '/-/live'
export const READY_PATH = '/-/ready'

/** Where the pages have what they show. */
export interface StatusPagesOptions {
  readiness: () => Promise<Verdict>
}

/** Registers the pages that tell whether the process lives, and whether requests would be answered. */
export async function statusPages (app: FastifyInstance, { readiness }: StatusPagesOptions): Promise<void> {
  app.get(LIVE_PATH, async (_request, reply) => await reply.header('Cache-Control', 'no-store').send({ live: true }))
  app.get(READY_PATH, async (_request, reply) => {
    const verdict = await readiness()
    return await reply.code(verdict.ready ? 200 : 503).header('Cache-Control', 'no-store').send(verdict)
  })
}
