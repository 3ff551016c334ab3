import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { ProxyError } from '../errors.ts'
import { hasBody } from '../http/fields.ts'

/** Node's default of `maxHeadersCount`. */
const NODE_MAX_HEADERS = 1000

/**
 * Checks in the server of a host program what the proxy's own server guarantees: the target is the client's, no header
 * line is missing, and nobody has read the body. Hooks of the host may still refuse a request.
 */
export const embedded = fp(async function embedded (app: FastifyInstance) {
  app.addContentTypeParser('*', (_request, _body, done) => { done(null) })
  app.addHook('onRequest', (request, _reply, next) => {
    checkTarget(request.raw)
    checkHeaderCount(request.raw, app.server.maxHeadersCount)
    checkBody(request)
    // Without a content type, Fastify uses the parser above, not the host's, and rejects no malformed type.
    request.headers = { 'content-type': undefined }
    next()
  })
  // Hooks of the host run before those of a route, so this check is the last step before the body is sent.
  app.addHook('onRoute', route => {
    route.preHandler = (request, _reply, next) => {
      checkBody(request)
      next()
    }
  })
}, { name: 'embedded', fastify: '5.x', dependencies: ['exchanges'] })

/** Refuses a target that the host or its `rewriteUrl` has changed: the client asked for another one. */
function checkTarget (raw: IncomingMessage & { originalUrl?: string }): void {
  if (raw.originalUrl === undefined || raw.originalUrl === raw.url) return
  throw new ProxyError('MAAS_PROXY_REQUEST_ALTERED', { message: 'the server has rewritten the request target' })
}

/** Node omits the lines beyond the maximum from `headers`, but `rawHeaders`, which is forwarded, has them. */
function checkHeaderCount ({ rawHeaders }: IncomingMessage, maxHeadersCount: number | null): void {
  const max = maxHeadersCount ?? NODE_MAX_HEADERS
  if (max <= 0 || rawHeaders.length < 2 * max) return
  throw new ProxyError('MAAS_PROXY_HEADER_TOO_LARGE', { message: `the request header has ${max} lines or more` })
}

/** Refuses a body that the host has read, or is about to read. */
function checkBody ({ raw, admitted }: FastifyRequest): void {
  const isReadByAdmission = (admitted?.bodyStart ?? null) !== null
  const hasReader = raw.listenerCount('data') + raw.listenerCount('readable') > 0
  const isReadByHost = (raw.readableDidRead && !isReadByAdmission) || hasReader
  if (!isReadByHost || !hasBody(raw)) return
  throw new ProxyError('MAAS_PROXY_REQUEST_ALTERED', { message: 'a hook of the server has read the body' })
}
