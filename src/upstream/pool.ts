import { type Client, Pool } from 'undici'
import { type ConnectorOptions, createConnector } from './connector.ts'
import { TrackedClient } from './tracked-client.ts'

interface PoolOptions extends ConnectorOptions {
  /** for the head of a response, and then between any two parts of its body */
  responseTimeoutMs: number
}

/** MAAS's nginx closes an idle connection after 65 s. The proxy closes first, so requests rarely meet a closing one. */
const KEEP_ALIVE_MS = 50_000

/** More than a region works on at once (four requests a worker), and less than the usual limit of open files. */
export const MAX_CONNECTIONS = 256

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
