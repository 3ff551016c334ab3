import { fastify, type FastifyInstance } from 'fastify'
import type { Server } from 'node:http'
import type { Ruleset } from '../admit/ruleset.ts'
import { logObserverError, type Observer, type Outcome } from '../exchange/plugin.ts'
import type { Credential } from '../forward/credential.ts'
import { METHODS } from '../http/methods.ts'
import { allowHalfClosed } from '../listen/half-closed.ts'
import { trackConnections } from '../listen/listener.ts'
import { type ListenerTls, secureServer } from '../listen/secure-server.ts'
import type { MaasFacts } from '../maas/hint-row.ts'
import type { Health } from '../observe/health.ts'
import { accessLog } from '../observe/log/access-log.ts'
import { auditLog } from '../observe/log/audit-log.ts'
import type { Logger } from '../observe/log/logger.ts'
import { timingLog } from '../observe/log/timing-log.ts'
import type { Traffic } from '../observe/metrics/traffic.ts'
import type { ListenerFacts } from '../respond/facts.ts'
import { frontPage } from '../respond/front-page.ts'
import { socketErrors } from '../respond/socket-errors.ts'
import {
  LIVE_PATH, METRICS_PATH, READY_PATH, statusPages, type StatusPagesOptions
} from '../respond/status-pages.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { proxyPipeline } from './pipeline.ts'

const HEADERS_TIMEOUT_MS = 60_000

/**
 * Maximum size of a request header. MAAS's nginx accepts a line of 32 KiB (`large_client_header_buffers`), and a read
 * with many `id=` parameters comes close to that.
 */
const MAX_HEADER_BYTES = 64 * 1024

/** Every target that is not our own page is routed as `/MAAS/`, so that `admit` alone interprets it. */
const MAAS_ROUTE = '/MAAS/'

/** The paths of our own pages. */
const OWN_PAGES: ReadonlySet<string> = new Set(['/', LIVE_PATH, READY_PATH, METRICS_PATH])

interface ServerParts extends StatusPagesOptions {
  /** returns what the listener decides by, now */
  ruleset: () => Ruleset
  /** returns the certificate for new connections, now; null for a listener without TLS */
  tls: () => ListenerTls | null
  logger: Logger
  upstream: Upstream
  credential: Credential
  maasFacts: MaasFacts
  health: Health
  traffic: Traffic
  /** the address of the listener; undefined until it listens */
  ownAddress: () => string | undefined
  /** the facts for the front page */
  facts: () => Promise<ListenerFacts>
  /** gets every request, for the page of the separate address; null if there is none */
  activity: Observer | null
  /** gets every request, for a recording; null if there is none */
  recorder: Observer | null
}

/** Builds the server of one listener, which does not listen yet. The steps of a request are in `pipeline`. */
export async function buildServer (parts: ServerParts): Promise<FastifyInstance> {
  const { ruleset, logger, upstream, credential, maasFacts, traffic } = parts
  const app = fastify({
    // Without a logger of its own, Fastify writes no records beside ours.
    requestIdHeader: false,
    genReqId: nextRequestId, // Fastify's own ids would repeat across listeners
    return503OnClosing: false, // `admit` answers itself
    bodyLimit: Number.MAX_SAFE_INTEGER, // bodies are streamed, and MAAS limits their size
    routerOptions: { querystringParser: () => ({}) },
    rewriteUrl: ({ url = '' }) => OWN_PAGES.has(pathOf(url)) ? url : MAAS_ROUTE, // `originalUrl` keeps the target
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false // `checkFraming` requires it
    },
    requestTimeout: 0, // an upload has no time limit
    clientErrorHandler: () => {} // `socketErrors` listens itself
  })
  // Methods without a body, to Fastify: it parses nothing, and leaves the stream to the relay.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  prepareServer(app.server)
  const tls = parts.tls()
  if (tls !== null) secureServer(app.server, tls, parts.tls, logger)

  const logOf = () => logger
  const logError = logObserverError(logOf)
  await app.register(socketErrors, { logger, onRefusal: code => { traffic.addRefusal(code) } })
  await app.register(proxyPipeline, {
    ruleset,
    upstream,
    credential,
    maasFacts,
    hostClient: null,
    observers: observersOf(parts),
    onObserverError: (error, request) => {
      traffic.observerFailures++
      logError(error, request)
    },
    logOf,
    ownPages: OWN_PAGES,
    isEmbedded: false
  })
  await app.register(frontPage, { facts: parts.facts })
  await app.register(statusPages, { readiness: parts.readiness, metrics: parts.metrics })
  return app
}

function observersOf ({ logger, health, traffic, ownAddress, activity, recorder }: ServerParts): Observer[] {
  return [
    accessLog(() => logger),
    auditLog(() => logger, ownAddress),
    timingLog(logger),
    (outcome: Outcome) => { traffic.add(outcome) },
    (outcome: Outcome) => { health.observe(outcome) },
    ...[activity, recorder].filter(observer => observer !== null)
  ]
}

function pathOf (url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

let requestCount = 0

function nextRequestId (): string {
  return `req-${(++requestCount).toString(36)}`
}

function prepareServer (server: Server): void {
  trackConnections(server)
  allowHalfClosed(server)
  server.maxHeadersCount = 0 // Node would drop further lines silently; `checkFraming` refuses them
  // Without this listener Node sends a 100 at once. The relay sends it when a connection to MAAS is ready.
  server.on('checkContinue', (request, response) => { server.emit('request', request, response) })
}
