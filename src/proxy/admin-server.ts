import { fastify, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { ProxyError } from '../errors.ts'
import { exchanges } from '../exchange/plugin.ts'
import { trackConnections } from '../listen/listener.ts'
import { dashboardPage, type DashboardOptions } from '../respond/dashboard.ts'
import { errorAnswers } from '../respond/errors.ts'
import { socketErrors } from '../respond/socket-errors.ts'
import { statusPages, type StatusPagesOptions } from '../respond/status-pages.ts'

/**
 * Builds the server of the status pages, which forwards nothing. It checks no tokens, and `Host` for the page of people
 * only: a probe sends the address of its pod, and the pages contain no secret. It stops after all other listeners.
 */
export async function buildAdminServer (
  logger: FastifyBaseLogger, options: StatusPagesOptions & DashboardOptions
): Promise<FastifyInstance> {
  const app = fastify({ clientErrorHandler: () => {} })
  // No page takes a body. Fastify would parse it before routing, and log one that it cannot parse as a failure.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => { done(null) })
  trackConnections(app.server)
  await app.register(exchanges, { observers: [] })
  await app.register(socketErrors, { logger, onRefusal: () => {} })
  await app.register(errorAnswers, { isEmbedded: false, logOf: () => logger })
  app.setNotFoundHandler(() => {
    throw new ProxyError('MAAS_PROXY_PATH_UNSERVED', {
      message: 'only the status pages are served here',
      remedy: 'use /, /-/live, /-/ready or /-/metrics'
    })
  })
  await app.register(statusPages, options)
  await app.register(dashboardPage, options)
  return app
}
