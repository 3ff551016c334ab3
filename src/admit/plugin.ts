import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { ProxyError } from '../errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { followsClose, pendingResponses } from '../http/response-tracker.ts'
import { type Access, decideAccess } from '../maas/access.ts'
import type { Policy, PolicyVerdict } from '../policy/policy.ts'
import { askedAccess } from './access-header.ts'
import type { Admitted } from './admitted.ts'
import { checkBrowser } from './browser.ts'
import type { Decision } from './classify.ts'
import { checkExpiry, type Client, identifyClient } from './clients.ts'
import { checkContentType } from './content-type.ts'
import { checkFraming, closeAfterUpgrade } from './framing.ts'
import { checkLoop } from './loop.ts'
import { type ClassifiedRequest, type FinalDecision, findDecision, mustDecide } from './operation.ts'
import type { Ruleset } from './ruleset.ts'
import { unserved } from './unserved.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes admission answer MAAS_PROXY_SHUTTING_DOWN to all later requests. Running requests continue. */
    refuseNewRequests (): void
  }
}

interface AdmitOptions {
  /** returns what the listener decides by, now */
  ruleset: () => Ruleset
  /** names the client that a host program has authenticated; null leaves it to the identifiers of the ruleset */
  hostClient: ((request: FastifyRequest) => string | null) | null
  /** paths of the proxy's own pages, as in a request line */
  ownPages: ReadonlySet<string>
  /** paths of own pages that need no client, because probes have no token */
  openPaths: readonly string[]
}

/** Maximum number of requests that wait on one connection. Browsers and tools send one at a time. */
const MAX_PENDING = 32

/** Why the op of a form is unknown, until the form has been read. */
const NOT_READ = 'its form was not read to the end'

/** Only the log has this text: the connection is closed before an answer. */
const UNANSWERABLE = 'the connection ends after the request before, so this one could not be answered'

/**
 * Decides on every request: who may send it, what it may do, and whether it is signed. It reads no body, unless a form
 * may name the operation. The hook runs for all routes, unknown ones included, and all methods. A request that passes
 * is admitted, or is for one of the own pages.
 */
export const admit = fp(async function admit (app: FastifyInstance, options: AdmitOptions) {
  let isShuttingDown = false
  app.decorateRequest('admitted', null)
  app.decorate('refuseNewRequests', () => { isShuttingDown = true })
  app.addHook('onRequest', (request, reply, next) => {
    if (isShuttingDown) throw new ProxyError('MAAS_PROXY_SHUTTING_DOWN')
    const { exchange, originalUrl, raw } = request
    const pending = pendingResponses(raw.socket)
    if (pending > MAX_PENDING) {
      raw.socket.destroy() // an answer would wait behind the others, so the connection ends
      throw new ProxyError('MAAS_PROXY_PIPELINE_TOO_LONG')
    }
    if (followsClose(raw.socket)) {
      throw new ProxyError('MAAS_PROXY_REQUEST_MALFORMED', { message: UNANSWERABLE })
    }
    checkFraming(raw)
    closeAfterUpgrade(raw, reply.raw)
    checkContentType(raw.headers['content-type'])
    checkLoop(raw.headers.via)
    const ruleset = options.ruleset()
    const { target, rejection, decision } = ruleset.classify(raw.method as string, originalUrl)
    exchange.target = target
    if (rejection !== null) throw new ProxyError(rejection)
    checkBrowser(raw, ruleset.browser)
    const client = findClient(request, target.path, decision, ruleset, options)
    if (client instanceof Promise) void client.then(decideFor).catch(next)
    else decideFor(client)

    function decideFor (client: Client | null): void {
      if (client !== null) {
        exchange.client = client.name
        checkExpiry(client)
      }
      if (decision === null) {
        if (!options.ownPages.has(target.rawPath)) throw unserved(target.path)
        return next()
      }
      const classified: ClassifiedRequest = {
        request: raw,
        response: reply.raw,
        target,
        decision,
        clientPolicy: client?.policy ?? null,
        askedAccess: askedAccess(raw),
        isContinueSent: app.server.listenerCount('checkContinue') === 0 // without a listener Node sends the 100 itself
      }
      findDecision(classified, ruleset, final => {
        const refusal = final instanceof ProxyError ? final : conclude(request, classified, final, ruleset)
        next(refusal ?? undefined)
      })
    }
  })
}, { name: 'admit', fastify: '5.x', dependencies: ['exchanges'] })

/**
 * What tools that have a key ask for without it: the `maas` CLI and python-libmaas read the description so. MAAS serves
 * it to anyone, and the answer is the same.
 */
const UNSIGNED_READS: ReadonlySet<string> = new Set(['/MAAS/api/2.0/describe/', '/MAAS/api/2.0/version/'])

/**
 * Finds the client of a request: the one whom a host program names, or else the one whom the request names.
 * @returns null if the request has none, and needs none
 * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN; of a promise, as its rejection
 */
function findClient (
  request: FastifyRequest, path: string, decision: Decision | null, ruleset: Ruleset, options: AdmitOptions
): Client | null | Promise<Client | null> {
  const name = options.hostClient?.(request) ?? null
  if (name !== null) return ruleset.clientNamed(name)
  if (options.openPaths.includes(path)) return null
  return identifyClient(request.raw, ruleset.identifiers, isUnsignedRead(request.raw, decision))
}

/** Whether a request is one of {@link UNSIGNED_READS}, and asks for no signature. */
function isUnsignedRead ({ headers }: IncomingMessage, decision: Decision | null): boolean {
  return decision?.kind === 'same' && UNSIGNED_READS.has(decision.operation.path) &&
    headers['maas-proxy-access'] === undefined
}

/**
 * Admits a request, or refuses it.
 * @returns the refusal; null if the request is admitted
 */
function conclude (
  request: FastifyRequest, classified: ClassifiedRequest, final: FinalDecision, ruleset: Ruleset
): ProxyError | null {
  const { exchange } = request
  const { target, askedAccess, clientPolicy } = classified
  const { decision: { kind, operation, verdict }, form, bodyStart, uncertainty } = final
  const unreadForm = bodyStart !== null && uncertainty === null ? null : form
  if (unreadForm !== null) exchange.opUnknown = NOT_READ
  if (uncertainty !== null && mustDecide(classified, ruleset)) return uncertainty
  exchange.operation = operation
  const refusal = enforce(verdict, exchange, ruleset.policy) ??
    (clientPolicy === null ? null : enforce(clientPolicy.decide(operation), exchange, clientPolicy))
  if (refusal !== null) return refusal
  if (uncertainty !== null) exchange.wouldRefuse ??= uncertainty.message
  const access: Access | null = decideAccess(kind, ruleset.dualOperations, askedAccess)
  if (access === null) return new ProxyError('MAAS_PROXY_ACCESS_UNAVAILABLE')
  exchange.access = access
  const isContinueSent = classified.isContinueSent || bodyStart !== null
  request.admitted = Object.freeze<Admitted>({
    ruleset, target, operation, access, form: unreadForm, bodyStart, isContinueSent
  })
  return null
}

/**
 * Applies the verdict of the rules.
 * @returns the refusal; null if the rules allow the operation or only warn
 */
function enforce (verdict: PolicyVerdict, exchange: Exchange, { warnOnly }: Policy): ProxyError | null {
  if (verdict.allowed) return null
  if (verdict.missingRule !== undefined) exchange.lacksRule = true
  exchange.refusedBy ??= verdict.by
  if (!warnOnly || verdict.code !== 'MAAS_PROXY_RULE_REFUSED') {
    const { code, by, remedy } = verdict
    return new ProxyError(code, { message: `refused by ${by}`, ...remedy === undefined ? {} : { remedy } })
  }
  exchange.wouldRefuse ??= verdict.by
  return null
}
