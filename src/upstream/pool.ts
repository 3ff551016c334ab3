import { createSecureContext } from 'node:tls'
import { buildConnector, type Client, Pool } from 'undici'
import { portOf } from '../maas/maas-url.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { TrackedClient } from './tracked-client.ts'
import { caCertificates } from './ca-certificates.ts'
import { openTunnel } from './tunnel.ts'

/** How to reach MAAS. */
export interface PoolOptions {
  connectTimeoutMs: number
  /** for the header of an answer, and then between any two parts of its body */
  responseTimeoutMs: number
  /** certificates to trust beside the system's, in PEM */
  caFile?: readonly string[] | undefined
  insecureSkipTlsVerify: boolean
  /** certificate and key that MAAS, or what stands in front of it, asks for, in PEM */
  clientCertFile?: readonly string[] | undefined
  clientKeyFile?: string | undefined
  /** null where MAAS is reached directly */
  egress: EgressProxy | null
}

/** MAAS's nginx closes an idle connection after 65 s; ours go first, so that a request hardly ever meets a closing one. */
const KEEP_ALIVE_MS = 50_000

/** Far more than a region works on at once (four requests a worker), and far less than a process may have open. */
const MAX_CONNECTIONS = 256

const MIN_TLS_VERSION = 'TLSv1.2'

/** The connections to MAAS: kept open for the next request, one request at a time each. */
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
 * Makes what opens a connection to MAAS, and through an egress proxy a tunnel first. Not undici's ProxyAgent: it makes an object
 * of the header, which folds lines of the same name into one.
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
    // It is verified whatever is said of MAAS, because it gets a password.
    connect: buildConnector({ timeout, allowH2: false, rejectUnauthorized: true, secureContext: createSecureContext({ ca, minVersion: MIN_TLS_VERSION }) }),
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
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED cannot unsay it.
    rejectUnauthorized: !insecureSkipTlsVerify,
    // Made once: it reads some 300 certificates, which would otherwise hold everything up by 60 ms for each connection.
    secureContext: createSecureContext({
      ca,
      minVersion: MIN_TLS_VERSION,
      ...clientCertFile === undefined ? {} : { cert: clientCertFile.join('\n'), key: clientKeyFile }
    })
  }
}
