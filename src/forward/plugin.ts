import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import httpProxy from '@fastify/http-proxy'
import type { Admitted } from '../admit/admitted.ts'
import { METHODS } from '../http/methods.ts'
import type { MaasFacts } from '../maas/hint-row.ts'
import { Lane } from '../upstream/queue.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { AnswerTask } from './answer-task.ts'
import type { Credential } from './credential.ts'
import { runInOrder } from './in-order.ts'
import { OriginRewriter } from './origin-rewriter.ts'
import { relay } from './relay.ts'
import { ServersRewriter } from './servers-rewriter.ts'

interface ForwardOptions {
  upstream: Upstream
  credential: Credential
  maasFacts: MaasFacts
}

/**
 * What is rewritten of the answers to GET, by path. The description of the API has absolute URLs of all resources,
 * which old clients (`maas` CLI up to 3.1, python-libmaas) call, and the OpenAPI description has that of a server,
 * which generated clients call. Without rewriting they would bypass the proxy.
 */
const REWRITERS: ReadonlyMap<string, AnswerTask['createRewriter']> = new Map<string, AnswerTask['createRewriter']>([
  ['/MAAS/api/2.0/describe/', (upstream, client) => new OriginRewriter(upstream, client)],
  ['/MAAS/api/2.0/openapi.yaml', (_upstream, client) => new ServersRewriter(client)]
])

/**
 * Forwards admitted requests. @fastify/http-proxy owns the route and passes every request to our relay by its `handler`
 * option.
 */
export async function forward (app: FastifyInstance, options: ForwardOptions): Promise<void> {
  const task = { ...options, lane: new Lane(options.upstream.queue) }
  await app.register(httpProxy, {
    upstream: options.upstream.origin,
    // Without a pool, reply-from would open its own connections, which verify no certificate.
    undici: options.upstream.pool,
    routes: ['/MAAS/*'],
    httpMethods: [...METHODS],
    proxyPayloads: false,
    handler: (request, reply) => { handle(request, reply, task) }
  })
}

/** Signs and forwards a request, and writes the response. */
function handle (request: FastifyRequest, reply: FastifyReply, options: ForwardOptions & { lane: Lane }): void {
  const { upstream, credential, maasFacts, lane } = options
  const admitted = request.admitted as Admitted // admission rejects every other request for this route
  const task = {
    upstream,
    signing: credential.signing,
    maasFacts,
    lane,
    request: request.raw,
    target: request.originalUrl,
    reply,
    response: reply.raw,
    exchange: request.exchange,
    admitted,
    createRewriter: (request.method === 'GET' ? REWRITERS.get(admitted.operation.path) : null) ?? null
  }
  runInOrder(request.raw, reply.raw, () => { relay(task) })
}
