import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ProxyError } from '../errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { pendingResponses } from '../http/response-tracker.ts'
import { type Access, decideAccess } from '../maas/access.ts'
import { askedAccess } from './access-header.ts'
import type { Admitted } from './admitted.ts'
import { type BrowserGuard, checkBrowser } from './browser.ts'
import { createClassifier, type Decision } from './classify.ts'
import type { ClientTokens } from './clients.ts'
import { checkContentType } from './content-type.ts'
import { checkFraming, closeAfterUpgrade } from './framing.ts'
import { checkLoop } from './loop.ts'
import { findDecision, type Finding, mustDecide, type OperationOptions, type Question } from './operation.ts'

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
  /** the proxy's own pages, as they stand in a request line */
  ownPages: ReadonlySet<string>
  /** own pages that need no token: probes have none */
  openPaths: readonly string[]
}

/** Requests that may wait on one connection. Browsers and tools send one at a time. */
const MAX_PENDING = 32

/**
 * Decides who may ask, for what, and how it is sent, before anything is sent, and before any body is read unless a form names the
 * operation. The hook covers every route, known or not, and every method. What passes is admitted, or is for one of the own pages.
 */
export const admit = fp(async function admit (app: FastifyInstance, options: AdmitOptions) {
  const classify = createClassifier(options)
  let shuttingDown = false
  app.decorateRequest('admitted', null)
  app.decorate('refuseNewRequests', () => { shuttingDown = true })
  app.addHook('onRequest', (request, reply, next) => {
    if (shuttingDown) throw new ProxyError('MAAS_PROXY_SHUTTING_DOWN')
    const { exchange, originalUrl, raw } = request
    if (pendingResponses(raw.socket) > MAX_PENDING) {
      raw.socket.destroy() // an answer would only wait behind the others; so those end too
      throw new ProxyError('MAAS_PROXY_PIPELINE_TOO_LONG')
    }
    checkFraming(raw)
    closeAfterUpgrade(raw, reply.raw)
    checkContentType(raw.headers['content-type'])
    checkLoop(raw.headers.via)
    const { target, rejection, decision } = classify(raw.method as string, originalUrl)
    exchange.target = target
    if (rejection !== null) throw new ProxyError(rejection)
    checkBrowser(raw, options.browser)
    if (!options.openPaths.includes(target.path)) exchange.client = options.clientTokens?.identify(raw.headers) ?? null
    if (decision === null) {
      if (!options.ownPages.has(target.rawPath)) throw new ProxyError('MAAS_PROXY_PATH_UNSERVED')
      return next()
    }
    // Without a listener for it, Node has told the client already.
    const continued = app.server.listenerCount('checkContinue') === 0
    const question: Question = { request: raw, response: reply.raw, target, decision, askedAccess: askedAccess(raw), continued }
    findDecision(question, options, finding => { next(conclude(request, question, finding, options) ?? undefined) })
  })
}, { name: 'admit', fastify: '5.x', dependencies: ['exchanges'] })

/** Admits a request whose operation is known. @returns the refusal where it is not admitted */
function conclude (request: FastifyRequest, question: Question, finding: Finding, options: AdmitOptions): ProxyError | null {
  const { exchange } = request
  const { decision, bodyStart, undecided } = finding
  if (undecided !== null) {
    if (mustDecide(question, options)) return undecided
    exchange.wouldRefuse = undecided.message
  }
  exchange.operation = decision.operation
  const refusal = enforce(decision, exchange, options)
  if (refusal !== null) return refusal
  const access: Access | null = decideAccess(decision.kind, options.dualOperations, question.askedAccess)
  if (access === null) return new ProxyError('MAAS_PROXY_ACCESS_UNAVAILABLE')
  exchange.access = access
  const continued = question.continued || bodyStart !== null
  request.admitted = Object.freeze<Admitted>({ target: question.target, operation: decision.operation, access, bodyStart, continued })
  return null
}

/** @returns the refusal by the rules; null where they allow the operation or only warn */
function enforce ({ verdict }: Decision, exchange: Exchange, { policy: { warnOnly } }: AdmitOptions): ProxyError | null {
  if (verdict.allowed) return null
  if (!warnOnly || verdict.code !== 'MAAS_PROXY_RULE_REFUSED') return new ProxyError(verdict.code, { message: `refused by ${verdict.by}` })
  exchange.wouldRefuse = verdict.by
  return null
}
