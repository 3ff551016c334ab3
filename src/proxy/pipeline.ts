import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { browserGuard } from '../admit/browser.ts'
import type { ClientTokens } from '../admit/clients.ts'
import { embedded } from '../admit/embedded.ts'
import { admit } from '../admit/plugin.ts'
import type { Credential } from '../forward/credential.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { forward } from '../forward/plugin.ts'
import { exchanges, type ExchangesOptions, type LogOf } from '../exchange/plugin.ts'
import { errorAnswers } from '../respond/errors.ts'
import { LIVE_PATH, READY_PATH } from '../respond/status-pages.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'

/** Who may ask, for what, and what becomes of it. */
export interface PipelineOptions extends ExchangesOptions {
  config: ListenerConfig
  upstream: Upstream
  credential: Credential
  /** null where every client may ask */
  clientTokens: ClientTokens | null
  logOf: LogOf
  /** the proxy's own pages, as they stand in a request line */
  ownPages: ReadonlySet<string>
  /** whether the server is somebody else's, of which only a scope is ours */
  isEmbedded: boolean
}

/**
 * The way to MAAS through its guards. The order of registration is the order in which a request passes: its exchange is opened, it is admitted,
 * MAAS answers; what is thrown on the way is answered too. Everything that is registered beside it is guarded as well.
 */
export const proxyPipeline = fp(async function proxyPipeline (app: FastifyInstance, { config, upstream, credential, clientTokens, observers, onObserverError, logOf, ownPages, isEmbedded }: PipelineOptions) {
  const { policy, anonymousOperations, dualOperations } = config
  await app.register(exchanges, { observers, onObserverError })
  await app.register(errorAnswers, { isEmbedded, logOf })
  if (isEmbedded) await app.register(embedded)
  await app.register(admit, {
    browser: browserGuard(config.address, config.allowHost, config.allowOrigin),
    clientTokens,
    policy,
    ownPages,
    openPaths: [LIVE_PATH, READY_PATH],
    anonymousOperations,
    dualOperations
  })
  await app.register(forward, { upstream, credential, policy })
}, { name: 'proxy-pipeline', fastify: '5.x' })
