import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Server } from 'node:http'
import type { Dispatcher } from 'undici'
import { browserGuard } from './admit/browser.ts'
import { ClientTokens } from './admit/clients.ts'
import { METHODS } from './admit/framing.ts'
import { admit } from './admit/plugin.ts'
import { forward } from './forward/plugin.ts'
import { createSecretMask } from './forward/secret-mask.ts'
import type { MaasClock } from './maas/clock.ts'
import { createSigner } from './maas/sign.ts'
import { accessLog } from './observe/access-log.ts'
import { errorAnswers } from './respond/errors.ts'
import { frontPage } from './respond/front-page.ts'
import { trackConnections } from './listener.ts'
import type { ListenAddress } from './settings/listen.ts'
import type { Config } from './settings/load.ts'

const HEADERS_TIMEOUT_MS = 60_000

/**
 * What the router sees in place of every target that is no page of ours, legal or not. So there is one reading of a
 * target, that of `admit`, and none by a router that could differ from it; the target itself stays in `originalUrl`.
 */
const EVERYTHING_ELSE = '/MAAS/'

/** What all listeners share: the way to MAAS, and what is known of its clock. */
export interface Maas {
  upstream: Dispatcher
  clock: MaasClock
}

/**
 * Builds the proxy for one address, as a Fastify instance that does not listen yet. The order of registration is the order in which a
 * request passes: its exchange is opened, it is admitted, then the front page or MAAS answers.
 */
export async function buildServer (config: Config, address: ListenAddress, logger: FastifyBaseLogger, { upstream, clock }: Maas): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: logger,
    childLoggerFactory: logger => logger, // a record carries its request id itself: no child logger a request
    logController: new LogController({ disableRequestLogging: true }), // `accessLog` writes the one record
    requestIdHeader: false,
    genReqId: nextRequestId, // unlike Fastify's own, one row of ids over all listeners
    return503OnClosing: false, // `admit` answers for itself
    bodyLimit: Number.MAX_SAFE_INTEGER, // bodies are streamed; how large one may be is for MAAS to say
    routerOptions: { querystringParser: () => ({}) },
    rewriteUrl: ({ url = '' }) => url === '/' || url.startsWith('/?') ? '/' : EVERYTHING_ELSE,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, requireHostHeader: false }, // `checkFraming` looks for a Host itself
    requestTimeout: 0, // an upload may take as long as it moves
    clientErrorHandler: () => {} // `errorAnswers` listens itself
  })
  // Fastify looks into no body: it hands the stream through, whatever its type.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  tuneServer(app.server)

  await app.register(accessLog)
  await app.register(errorAnswers)
  await app.register(admit, {
    browser: browserGuard(address, config.allowHost, config.allowOrigin),
    clientTokens: config.clientTokenFile === undefined ? null : new ClientTokens(config.clientTokenFile),
    policy: config.policy,
    anonymousOperations: config.anonymousOperations,
    dualOperations: config.dualOperations
  })
  await app.register(frontPage, { maas: config.maasUrl.href })
  await app.register(forward, {
    origin: config.maasUrl.origin,
    upstream,
    sign: createSigner(config.apiKey, clock.now),
    clock,
    maskSecret: createSecretMask(config.apiKey),
    policy: config.policy,
    anonymousOperations: config.anonymousOperations,
    dualOperations: config.dualOperations
  })
  return app
}

let requests = 0

function nextRequestId (): string {
  return `req-${(++requests).toString(36)}`
}

function tuneServer (server: Server): void {
  trackConnections(server)
  server.maxHeadersCount = 0 // node would cut silently after so many lines; `checkFraming` refuses instead
  // Without a listener node answers 100 at once; the relay does it when there is somebody to take the body.
  server.on('checkContinue', (request, response) => { server.emit('request', request, response) })
}
