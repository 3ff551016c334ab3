import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { pendingAnswers } from '../answer-over.ts'
import { ProxyError } from '../errors.ts'
import type { Target } from '../exchange.ts'
import type { Access, AnonymousOperations } from '../maas/access.ts'
import type { Policy } from '../policy/policy.ts'
import { askedAccess } from './asked-access.ts'
import { type BrowserGuard, checkBrowser } from './browser.ts'
import type { ClientTokens } from './clients.ts'
import { checkContentType } from './content-type.ts'
import { checkFraming, closeAfterUpgrade } from './framing.ts'
import { checkLoop } from './loop.ts'
import { findAdmittedOperation } from './operation.ts'
import { checkQuery } from './query.ts'
import { parseTarget } from './target.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers every request from now on with "shutting down"; those under way are not touched. */
    refuseNewRequests (): void
  }
}

/** Who may ask a listener, and for what. */
export interface AdmitOptions {
  browser: BrowserGuard
  /** null where every client may ask */
  clientTokens: ClientTokens | null
  policy: Policy
  /** pages for which no token is asked: probes have none */
  openPaths: readonly string[]
  anonymousOperations: AnonymousOperations
  dualOperations: Access
}

/** How many requests may wait on one connection: browsers and tools send one at a time. */
const MAX_PENDING = 32

/** The only part of MAAS that takes an API key: the rest is its web UI, its node metadata and its v3 API. */
const SERVED = '/MAAS/api/'

/**
 * Decides who may ask, and for what, before anything is sent, and before anything is read unless the operation is named in
 * a form. It covers every route, known or not, and every method. What passes has a target that can be decided on, and an
 * operation if it is for MAAS.
 */
export const admit = fp(async function admit (app: FastifyInstance, options: AdmitOptions) {
  let shuttingDown = false
  app.decorate('refuseNewRequests', () => { shuttingDown = true })
  app.addHook('onRequest', (request, reply, next) => {
    if (shuttingDown) throw new ProxyError('MAAS_PROXY_SHUTTING_DOWN')
    const { exchange, originalUrl, raw } = request
    if (pendingAnswers(raw.socket) > MAX_PENDING) {
      raw.socket.destroy() // an answer would only wait behind the others; so those end too
      throw new ProxyError('MAAS_PROXY_PIPELINE_TOO_LONG')
    }
    checkFraming(raw)
    closeAfterUpgrade(raw, reply.raw)
    checkContentType(raw.headers['content-type'])
    checkLoop(raw.headers.via)
    exchange.target = parseTarget(originalUrl)
    checkQuery(exchange.target.query)
    checkBrowser(raw, options.browser)
    if (!options.openPaths.includes(exchange.target.path)) exchange.client = options.clientTokens?.identify(raw.headers) ?? null
    if (!exchange.target.path.startsWith(SERVED)) return next()
    exchange.askedAccess = askedAccess(raw)
    admitOperation(request, reply, exchange.target, options, next)
  })
}, { name: 'admit', fastify: '5.x', dependencies: ['exchanges'] })

function admitOperation (request: FastifyRequest, reply: FastifyReply, target: Target, options: AdmitOptions, next: (error?: Error) => void): void {
  const { exchange, raw } = request
  findAdmittedOperation(raw, reply.raw, exchange, target, options, (error, operation) => {
    if (error !== null) return next(error)
    exchange.operation = operation
    const verdict = options.policy.decide(operation)
    if (verdict.allowed) return next()
    if (!options.policy.warnOnly || verdict.code !== 'MAAS_PROXY_RULE_REFUSED') return next(new ProxyError(verdict.code, { message: `refused by ${verdict.by}` }))
    exchange.wouldRefuse = verdict.by
    next()
  })
}
