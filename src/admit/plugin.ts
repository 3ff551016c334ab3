import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { ProxyError } from '../errors.ts'
import { checkFraming } from './framing.ts'
import { checkQuery } from './query.ts'
import { parseTarget } from './target.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers every request from now on with "shutting down"; those under way are not touched. */
    refuseNewRequests (): void
  }
}

/**
 * Decides who may ask, and for what, before anything is read or sent. It covers every route, known or not, and every
 * method; what passes has a target that can be decided on.
 */
export const admit = fp(async function admit (app: FastifyInstance) {
  let shuttingDown = false
  app.decorate('refuseNewRequests', () => { shuttingDown = true })
  app.addHook('onRequest', ({ exchange, originalUrl, raw }, _reply, next) => {
    if (shuttingDown) throw new ProxyError('MAAS_PROXY_SHUTTING_DOWN')
    checkFraming(raw)
    exchange.target = parseTarget(originalUrl)
    checkQuery(exchange.target.query)
    next()
  })
}, { name: 'admit', fastify: '5.x', dependencies: ['access-log'] })
