import { createSecureContext } from 'node:tls'
import { buildConnector, type Client, Pool } from 'undici'
import { portOf } from '../maas/maas-url.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { TrackedClient } from './tracked-client.ts'
import { caCertificates } from './ca-certificates.ts'
import { openTunnel } from './tunnel.ts'

interface PoolOptions {
  connectTimeoutMs: number
  /** for the head of a response, and then between any two parts of its body */
  responseTimeoutMs: number
  /** certificates to trust in addition to the system's, in PEM */
  caFile?: readonly string[] | undefined
  insecureSkipTlsVerify: boolean
  /** the client certificate for MAAS, or for a TLS proxy in front of it, in PEM */
  clientCertFile?: readonly string[] | undefined
  clientKeyFile?: string | undefined
  /** null if MAAS is reached directly */
  egress: EgressProxy | null
}

/** MAAS's nginx closes an idle connection after 65 s. The proxy closes first, so requests rarely meet a closing one. */
const KEEP_ALIVE_MS = 50_000

/** More than a region works on at once (four requests a worker), and less than the usual limit of open files. */
export const MAX_CONNECTIONS = 256

const MIN_TLS_VERSION = 'TLSv1.2'

/** The time limit of a probe's connection, so that a probe says whether connecting or answering takes too long. */
const PROBE_CONNECT_TIMEOUT_MS = 2500

/**
 * Creates the connection pool for probes. It closes a connection after its answer: a probe says whether a new one works.
 * @param origin scheme, host and port of MAAS
 */
export function createProbePool (origin: string, options: PoolOptions): Pool {
  const connectTimeoutMs = Math.min(options.connectTimeoutMs, PROBE_CONNECT_TIMEOUT_MS)
  const connect = createConnector(origin, { ...options, connectTimeoutMs })
  return new Pool(origin, { connect, allowH2: false, pipelining: 0 })
}

/**
 * Creates the connection pool for MAAS. Connections are reused; each carries one request at a time.
 * @param origin scheme, host and port of MAAS
 */
export function createPool (origin: string, options: PoolOptions): Pool {
  const connect = createConnector(origin, options)
  return new Pool(origin, {
    factory: (origin, clientOptions) => new TrackedClient(origin, clientOptions as Client.Options, connect),
    headersTimeout: options.responseTimeoutMs,
    bodyTimeout: options.responseTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connections: MAX_CONNECTIONS,
    allowH2: false,
    pipelining: 1
  })
}

/**
 * Creates the function that connects to MAAS, through a tunnel if there is an egress proxy. undici's ProxyAgent is not
 * used: it converts the header into an object, which joins lines of the same name.
 * @param origin scheme, host and port of MAAS
 */
export function createConnector (origin: string, options: PoolOptions): buildConnector.connector {
  const { connectTimeoutMs: timeout, caFile = [], egress } = options
  const isTls = origin.startsWith('https:')
  const ca = isTls || egress?.origin.startsWith('https:') === true ? caCertificates(caFile) : []
  const connect = buildConnector({ timeout, allowH2: false, ...isTls ? tlsOptions(options, ca) : {} })
  if (egress === null) return connect

  const url = new URL(origin)
  const tunnel = {
    proxy: egress,
    // The egress proxy gets a password, so it is verified even with --insecure-skip-tls-verify.
    connect: buildConnector({
      timeout,
      allowH2: false,
      rejectUnauthorized: true,
      secureContext: createSecureContext({ ca, minVersion: MIN_TLS_VERSION })
    }),
    authority: `${url.hostname}:${portOf(url)}`,
    timeoutMs: timeout
  }
  return (target, done) => {
    openTunnel(tunnel, (...result) => {
      if (result[0] === null && isTls) connect({ ...target, httpSocket: result[1] }, done)
      else done(...result)
    })
  }
}

function tlsOptions ({ insecureSkipTlsVerify, clientCertFile, clientKeyFile }: PoolOptions, ca: string[]) {
  return {
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED has no effect.
    rejectUnauthorized: !insecureSkipTlsVerify,
    // One context for all connections: parsing some 300 certificates blocks the event loop.
    secureContext: createSecureContext({
      ca,
      minVersion: MIN_TLS_VERSION,
      ...clientCertFile === undefined ? {} : { cert: clientCertFile.join('\n'), key: clientKeyFile }
    })
  }
}
