import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { ProxyError } from '../errors.ts'
import { hasBody } from '../http/fields.ts'

/** How many header lines node makes known, where the server does not say otherwise. */
const NODES_MAX_HEADERS = 1000

/**
 * Makes sure, in a server that is somebody else's, of what we set up ourselves in our own: that the target is the client's, the header
 * is known whole, nobody has touched the body, and a client is told once to send it. Hooks of that server may still refuse a request.
 */
export const embedded = fp(async function lent (app: FastifyInstance) {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => { done(null) })
  app.addHook('onRequest', (request, _reply, next) => {
    checkTarget(request.raw)
    checkHeaderCount(request.raw, app.server.maxHeadersCount)
    checkBody(request)
    request.headers = { 'content-type': undefined } // Fastify refuses types that it cannot read, before it asks for a parser
    next()
  })
  // On the route itself, so that it comes after all hooks of the server, and right before the body is sent.
  app.addHook('onRoute', route => {
    route.preHandler = (request, _reply, next) => {
      checkBody(request)
      next()
    }
  })
}, { name: 'embedded', fastify: '5.x', dependencies: ['exchanges'] })

/** What a server or its `rewriteUrl` makes of a target is not what the client asked for, and the two must not be mixed up. */
function checkTarget (raw: IncomingMessage & { originalUrl?: string }): void {
  if (raw.originalUrl !== undefined && raw.originalUrl !== raw.url) throw new ProxyError('MAAS_PROXY_REQUEST_ALTERED', { message: 'the server has rewritten the request target' })
}

/** node leaves what is beyond out of `headers`, but not out of `rawHeaders`, from which is sent. */
function checkHeaderCount ({ rawHeaders }: IncomingMessage, maxHeadersCount: number | null): void {
  const max = maxHeadersCount ?? NODES_MAX_HEADERS
  if (max > 0 && rawHeaders.length >= 2 * max) throw new ProxyError('MAAS_PROXY_HEADER_TOO_LARGE', { message: `the request header has ${max} lines or more` })
}

function checkBody ({ raw, admitted }: FastifyRequest): void {
  const isRead = (raw.readableDidRead && (admitted?.bodyStart ?? null) === null) || raw.listenerCount('data') + raw.listenerCount('readable') > 0
  if (isRead && hasBody(raw)) throw new ProxyError('MAAS_PROXY_REQUEST_ALTERED', { message: 'a hook of the server has read the body' })
}
