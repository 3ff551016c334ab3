import { fastify, type FastifyInstance } from 'fastify'
import type { Server } from 'node:http'
import type { ClientTokens } from '../admit/clients.ts'
import { METHODS } from '../http/methods.ts'
import type { Credential } from '../forward/credential.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { proxyPipeline } from './pipeline.ts'
import { accessLog } from '../observe/log/access-log.ts'
import { auditLog } from '../observe/log/audit-log.ts'
import { logObserverError, type Outcome } from '../exchange/plugin.ts'
import type { Health } from '../observe/health.ts'
import type { Logger } from '../observe/log/logger.ts'
import { timingLog } from '../observe/log/timing-log.ts'
import type { Traffic } from '../observe/metrics/traffic.ts'
import { frontPage } from '../respond/front-page.ts'
import { socketErrors } from '../respond/socket-errors.ts'
import { LIVE_PATH, METRICS_PATH, READY_PATH, statusPages, type StatusPagesOptions } from '../respond/status-pages.ts'
import { trackConnections } from '../listen/listener.ts'
import { NO_SCHEMAS } from '../performance/no-schemas.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'

const HEADERS_TIMEOUT_MS = 60_000

/** MAAS's nginx takes a line of 32 KiB, and the request line of a read with many `id=` comes near to that (`large_client_header_buffers`). */
const MAX_HEADER_BYTES = 64 * 1024

/**
 * What the router sees in place of every target that is no page of ours, legal or not. So there is one reading of a
 * target, that of `admit`, and none by a router that could differ from it; the target itself stays in `originalUrl`.
 */
const EVERYTHING_ELSE = '/MAAS/'

/** Our own pages; everything else is for MAAS, or for nobody. */
const OWN_PAGES: ReadonlySet<string> = new Set(['/', LIVE_PATH, READY_PATH, METRICS_PATH])

/** What a listener needs beside its configuration. */
export interface ServerParts extends StatusPagesOptions {
  logger: Logger
  upstream: Upstream
  credential: Credential
  /** null where every client may ask */
  clientTokens: ClientTokens | null
  health: Health
  traffic: Traffic
  /** the address that it listens on, asked for once it does */
  ownAddress: () => string | undefined
  /** the address of MAAS, as shown to people */
  maas: string
}

/**
 * Builds the proxy for one address, as a Fastify instance that does not listen yet. What a request passes, in its order, is in `guarded`;
 * then a page of ours answers, or MAAS.
 */
export async function buildServer (config: ListenerConfig, { logger, upstream, credential, clientTokens, health, readiness, metrics, traffic, ownAddress, maas }: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    // No logger: Fastify would check and watch it at every request, for records that are ours to write. `errorAnswers` gets what goes wrong.
    requestIdHeader: false,
    genReqId: nextRequestId, // unlike Fastify's own, one row of ids over all listeners
    return503OnClosing: false, // `admit` answers for itself
    bodyLimit: Number.MAX_SAFE_INTEGER, // bodies are streamed; how large one may be is for MAAS to say
    routerOptions: { querystringParser: () => ({}) },
    rewriteUrl: ({ url = '' }) => OWN_PAGES.has(pathOf(url)) ? url : EVERYTHING_ELSE,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, // `checkFraming` looks for a Host itself
    requestTimeout: 0, // an upload may take as long as it moves
    clientErrorHandler: () => {}, // `socketErrors` listens itself
    schemaController: NO_SCHEMAS
  })
  // Fastify looks into no body: it hands the stream through, whatever its type.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  tuneServer(app.server)

  const logOf = () => logger
  const observers = [accessLog(() => logger), auditLog(logOf, ownAddress), timingLog(logger), (outcome: Outcome) => { traffic.add(outcome) }, (outcome: Outcome) => { health.observe(outcome) }]
  await app.register(socketErrors, { logger, onRefusal: code => { traffic.addRefusal(code) } })
  const logError = logObserverError(logOf)
  const onObserverError: typeof logError = (error, request) => {
    traffic.observerFailures++
    logError(error, request)
  }
  await app.register(proxyPipeline, { config, upstream, credential, clientTokens, observers, onObserverError, logOf, ownPages: OWN_PAGES, isEmbedded: false })
  await app.register(frontPage, { maas, listen: config.address })
  await app.register(statusPages, { readiness, metrics })
  return app
}

function pathOf (url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
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
