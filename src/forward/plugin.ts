import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import httpProxy from '@fastify/http-proxy'
import { METHODS } from '../admit/framing.ts'
import { ProxyError } from '../errors.ts'
import { type Access, decideAccess } from '../maas/access.ts'
import type { Policy } from '../policy/policy.ts'
import type { Credential } from './credential.ts'
import type { MaasLink } from './link.ts'
import { relay } from './relay.ts'

/** What forwarding needs to know. */
export interface ForwardOptions {
  link: MaasLink
  credential: Credential
  policy: Policy
  dualOperations: Access
}

/**
 * The description of the API, which has absolute addresses of all resources. Old clients (`maas` CLI up to 3.1, python-libmaas)
 * call those, and would go around the proxy.
 */
const DESCRIPTION = '/MAAS/api/2.0/describe/'

/**
 * Forwards what was admitted. @fastify/http-proxy owns the route and hands every request to our relay by its `preHandler`
 * option; the relay sends the admitted bytes.
 */
export async function forward (app: FastifyInstance, options: ForwardOptions): Promise<void> {
  await app.register(httpProxy, {
    upstream: options.link.origin,
    undici: options.link.upstream, // reply-from would otherwise make connections of its own, which verify no certificate
    routes: ['/MAAS/*'],
    httpMethods: [...METHODS],
    proxyPayloads: false,
    // Before its own handler, which resolves three URLs for a request, only to leave the rest to its option `handler`. The hook
    // answers and never goes on.
    preHandler: (request, reply) => { handle(request, reply, options) },
    handler: /* c8 ignore next */ () => { throw new ProxyError('MAAS_PROXY_INTERNAL') }
  })
}

/** The steps after admission, in their order: classify, sign, forward. Respond is the relay's second half. */
function handle (request: FastifyRequest, reply: FastifyReply, options: ForwardOptions): void {
  const { exchange, raw } = request
  const { operation } = exchange
  if (operation === null) throw new ProxyError('MAAS_PROXY_PATH_UNSERVED')

  exchange.access = decideAccess(exchange.anonymousKind, options.dualOperations, exchange.askedAccess)
  if (exchange.access === null) throw new ProxyError('MAAS_PROXY_ACCESS_UNAVAILABLE')

  relay({
    link: options.link,
    signing: options.credential.signing,
    policy: options.policy,
    request: raw,
    target: request.originalUrl,
    reply,
    response: reply.raw,
    exchange,
    operation,
    rewriteBody: operation.path === DESCRIPTION && request.method === 'GET'
  })
}
