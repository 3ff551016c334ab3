import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { browserGuard } from '../admit/browser.ts'
import type { ClientIdentifier } from '../admit/clients.ts'
import { embedded } from '../admit/embedded.ts'
import { admit } from '../admit/plugin.ts'
import { exchanges, type ExchangesOptions, type LogOf } from '../exchange/plugin.ts'
import type { Credential } from '../forward/credential.ts'
import { forward } from '../forward/plugin.ts'
import type { MaasFacts } from '../maas/hint-row.ts'
import { errorAnswers } from '../respond/errors.ts'
import { LIVE_PATH, READY_PATH } from '../respond/status-pages.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import type { Upstream } from '../upstream/upstream.ts'

interface PipelineOptions extends ExchangesOptions {
  config: ListenerConfig
  upstream: Upstream
  credential: Credential
  maasFacts: MaasFacts
  /** names the client that a host program has authenticated; null if there is none, which leaves it to the others */
  hostClient: ((request: FastifyRequest) => string | null) | null
  /** how clients are identified, in the order of trial; empty if they need no name */
  identifiers: readonly ClientIdentifier[]
  /** how long a client may send nothing of its body */
  clientBodyTimeoutMs: number
  logOf: LogOf
  /** paths of the proxy's own pages, as in a request line */
  ownPages: ReadonlySet<string>
  /** whether the server belongs to a host program, and only a scope of it is ours */
  isEmbedded: boolean
}

/**
 * The steps of a request, registered in their order: its exchange is opened, it is admitted, it is forwarded. Errors of
 * any step are answered. Routes that are registered beside this plugin are guarded as well.
 */
export const proxyPipeline = fp(async function proxyPipeline (app: FastifyInstance, options: PipelineOptions) {
  const { config, upstream, credential, hostClient, identifiers, clientBodyTimeoutMs, ownPages } = options
  const { isEmbedded, observers, onObserverError, logOf, maasFacts } = options
  const { policy, anonymousOperations, dualOperations } = config
  await app.register(exchanges, { observers, onObserverError })
  await app.register(errorAnswers, { isEmbedded, logOf })
  if (isEmbedded) await app.register(embedded)
  await app.register(admit, {
    browser: browserGuard(config.address, config.allowHost, config.allowOrigin),
    hostClient,
    identifiers,
    policy,
    ownPages,
    openPaths: [LIVE_PATH, READY_PATH],
    anonymousOperations,
    dualOperations,
    clientBodyTimeoutMs
  })
  await app.register(forward, { upstream, credential, maasFacts, policy, clientBodyTimeoutMs })
}, { name: 'proxy-pipeline', fastify: '5.x' })
