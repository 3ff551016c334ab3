import { buildConnector, type Client, Pool } from 'undici'
import { LineClient } from './connection.ts'
import { trustedCertificates } from './trust.ts'

/** How to reach MAAS. */
export interface UpstreamOptions {
  connectTimeoutMs: number
  /** for the header of an answer, and then between any two parts of its body */
  responseTimeoutMs: number
  /** certificates to trust beside the system's, in PEM */
  caFile?: readonly string[] | undefined
  insecureSkipTlsVerify: boolean
  /** certificate and key that MAAS, or what stands in front of it, asks for, in PEM */
  clientCertFile?: readonly string[] | undefined
  clientKeyFile?: string | undefined
}

/** MAAS's nginx closes an idle connection after 65 s; ours go first, so that a request hardly ever meets a closing one. */
const KEEP_ALIVE_MS = 50_000

/** Far more than a region works on at once (four requests a worker), and far less than a process may have open. */
const MAX_CONNECTIONS = 256

/** The connections to MAAS: kept open for the next request, one request at a time each. */
export function createUpstream (origin: string, options: UpstreamOptions): Pool {
  const connect = buildConnector({ timeout: options.connectTimeoutMs, ...origin.startsWith('https:') ? tlsOptions(options) : {} })
  return new Pool(origin, {
    factory: (origin, clientOptions) => new LineClient(origin, clientOptions as Client.Options, connect),
    headersTimeout: options.responseTimeoutMs,
    bodyTimeout: options.responseTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connections: MAX_CONNECTIONS,
    pipelining: 1
  })
}

function tlsOptions ({ caFile = [], insecureSkipTlsVerify, clientCertFile, clientKeyFile }: UpstreamOptions) {
  return {
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED cannot unsay it.
    rejectUnauthorized: !insecureSkipTlsVerify,
    minVersion: 'TLSv1.2' as const,
    ca: trustedCertificates(caFile, process.env),
    ...clientCertFile === undefined ? {} : { cert: clientCertFile.join('\n'), key: clientKeyFile }
  }
}
