import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import httpProxy from '@fastify/http-proxy'
import type { Admitted } from '../admit/admitted.ts'
import { METHODS } from '../http/methods.ts'
import type { Policy } from '../policy/policy.ts'
import type { Credential } from './credential.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { relay } from './relay.ts'

/** What forwarding needs to know. */
export interface ForwardOptions {
  upstream: Upstream
  credential: Credential
  policy: Policy
}

/**
 * The description of the API, which has absolute addresses of all resources. Old clients (`maas` CLI up to 3.1, python-libmaas)
 * call those, and would go around the proxy.
 */
const DESCRIPTION = '/MAAS/api/2.0/describe/'

/**
 * Forwards what was admitted. @fastify/http-proxy owns the route and hands every request to our relay by its `handler` option;
 * the relay sends the admitted bytes.
 */
export async function forward (app: FastifyInstance, options: ForwardOptions): Promise<void> {
  await app.register(httpProxy, {
    upstream: options.upstream.origin,
    undici: options.upstream.pool, // reply-from would otherwise make connections of its own, which verify no certificate
    routes: ['/MAAS/*'],
    httpMethods: [...METHODS],
    proxyPayloads: false,
    handler: (request, reply) => { handle(request, reply, options) }
  })
}

/** The steps after admission, in their order: sign, forward. Respond is the relay's second half. */
function handle (request: FastifyRequest, reply: FastifyReply, { upstream, credential, policy }: ForwardOptions): void {
  const admitted = request.admitted as Admitted // or this route would not have been reached
  relay({
    upstream,
    signing: credential.signing,
    policy,
    request: request.raw,
    target: request.originalUrl,
    reply,
    response: reply.raw,
    exchange: request.exchange,
    admitted,
    rewriteBody: admitted.operation.path === DESCRIPTION && request.method === 'GET'
  })
}
