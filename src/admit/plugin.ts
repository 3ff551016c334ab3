import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { pendingAnswers } from '../answer-over.ts'
import { ProxyError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { Policy } from '../policy/policy.ts'
import { askedAccess } from './asked-access.ts'
import { type BrowserGuard, checkBrowser } from './browser.ts'
import type { ClientTokens } from './clients.ts'
import { checkContentType } from './content-type.ts'
import { checkFraming, closeAfterUpgrade } from './framing.ts'
import { checkLoop } from './loop.ts'
import { findJudgement, type OperationOptions } from './operation.ts'
import { reader, type Judgement } from './reading.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers every request from now on with "shutting down"; those under way are not touched. */
    refuseNewRequests (): void
  }
}

/** Who may ask a listener, and for what. */
export interface AdmitOptions extends OperationOptions {
  browser: BrowserGuard
  /** null where every client may ask */
  clientTokens: ClientTokens | null
  /** pages for which no token is asked: probes have none */
  openPaths: readonly string[]
}

/** How many requests may wait on one connection: browsers and tools send one at a time. */
const MAX_PENDING = 32

/**
 * Decides who may ask, and for what, before anything is sent, and before anything is read unless the operation is named in
 * a form. It covers every route, known or not, and every method. What passes has a target that can be decided on, and an
 * operation if it is for MAAS.
 */
export const admit = fp(async function admit (app: FastifyInstance, options: AdmitOptions) {
  const read = reader(options)
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
    const { target, refusal, judgement } = read(raw.method as string, originalUrl)
    exchange.target = target
    if (refusal !== null) throw new ProxyError(refusal)
    checkBrowser(raw, options.browser)
    if (!options.openPaths.includes(target.path)) exchange.client = options.clientTokens?.identify(raw.headers) ?? null
    if (judgement === null) return next()
    exchange.askedAccess = askedAccess(raw)
    findJudgement(raw, reply.raw, exchange, target, judgement, options, (error, found) => { next(error ?? enforce(found, exchange, options.policy) ?? undefined) })
  })
}, { name: 'admit', fastify: '5.x', dependencies: ['exchanges'] })

/** Takes a verdict down. @returns the refusal that it is, if it is one */
function enforce ({ operation, kind, verdict }: Judgement, exchange: Exchange, { warnOnly }: Policy): ProxyError | null {
  exchange.operation = operation
  exchange.anonymousKind = kind
  if (verdict.allowed) return null
  if (!warnOnly || verdict.code !== 'MAAS_PROXY_RULE_REFUSED') return new ProxyError(verdict.code, { message: `refused by ${verdict.by}` })
  exchange.wouldRefuse = verdict.by
  return null
}
