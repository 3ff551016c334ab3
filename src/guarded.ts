import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { browserGuard } from './admit/browser.ts'
import type { ClientTokens } from './admit/clients.ts'
import { lent } from './admit/lent.ts'
import { admit } from './admit/plugin.ts'
import type { Credential } from './forward/credential.ts'
import type { MaasLink } from './forward/link.ts'
import { forward } from './forward/plugin.ts'
import { exchanges, type ExchangesOptions, type LogOf } from './observe/exchanges.ts'
import { errorAnswers } from './respond/errors.ts'
import { LIVE_PATH, READY_PATH } from './respond/status-pages.ts'
import type { ListenerConfig } from './settings/listener.ts'

/** Who may ask, for what, and what becomes of it. */
export interface GuardedOptions extends ExchangesOptions {
  config: ListenerConfig
  link: MaasLink
  credential: Credential
  /** null where every client may ask */
  clientTokens: ClientTokens | null
  logOf: LogOf
  /** whether the server is somebody else's, of which only a scope is ours */
  isLent: boolean
}

/**
 * The guarded way to MAAS. The order of registration is the order in which a request passes: its exchange is opened, it is admitted,
 * MAAS answers; what is thrown on the way is answered too. Everything that is registered beside it is guarded as well.
 */
export const guarded = fp(async function guarded (app: FastifyInstance, { config, link, credential, clientTokens, observers, onObserverError, logOf, isLent }: GuardedOptions) {
  const { policy, anonymousOperations, dualOperations } = config
  await app.register(exchanges, { observers, onObserverError })
  await app.register(errorAnswers, { isLent, logOf })
  if (isLent) await app.register(lent)
  await app.register(admit, {
    browser: browserGuard(config.address, config.allowHost, config.allowOrigin),
    clientTokens,
    policy,
    openPaths: [LIVE_PATH, READY_PATH],
    anonymousOperations,
    dualOperations
  })
  await app.register(forward, { link, credential, policy, dualOperations })
}, { name: 'guarded', fastify: '5.x' })
