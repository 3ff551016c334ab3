import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { embedded } from '../admit/embedded.ts'
import { admit } from '../admit/plugin.ts'
import type { Ruleset } from '../admit/ruleset.ts'
import { exchanges, type ExchangesOptions, type LogOf } from '../exchange/plugin.ts'
import type { Credential } from '../forward/credential.ts'
import { forward } from '../forward/plugin.ts'
import type { MaasFacts } from '../maas/hint-row.ts'
import { errorAnswers } from '../respond/errors.ts'
import { LIVE_PATH, READY_PATH } from '../respond/status-pages.ts'
import type { Upstream } from '../upstream/upstream.ts'

interface PipelineOptions extends ExchangesOptions {
  /** returns what the listener decides by, now */
  ruleset: () => Ruleset
  upstream: Upstream
  credential: Credential
  maasFacts: MaasFacts
  /** names the client that a host program has authenticated; null leaves it to the identifiers of the ruleset */
  hostClient: ((request: FastifyRequest) => string | null) | null
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
  const { ruleset, upstream, credential, hostClient, ownPages } = options
  const { isEmbedded, observers, onObserverError, logOf, maasFacts } = options
  await app.register(exchanges, { observers, onObserverError })
  await app.register(errorAnswers, { isEmbedded, logOf })
  if (isEmbedded) await app.register(embedded)
  await app.register(admit, { ruleset, hostClient, ownPages, openPaths: [LIVE_PATH, READY_PATH] })
  await app.register(forward, { upstream, credential, maasFacts })
}, { name: 'proxy-pipeline', fastify: '5.x' })
