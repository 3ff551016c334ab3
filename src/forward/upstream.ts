import { Pool } from 'undici'

/** How long to wait for MAAS. */
export interface UpstreamTimeouts {
  connectTimeoutMs: number
  /** for the header of an answer, and then between any two parts of its body */
  responseTimeoutMs: number
}

/** MAAS's nginx closes an idle connection after 65 s; ours go first, so that a request hardly ever meets a closing one. */
const KEEP_ALIVE_MS = 50_000

/** The connections to MAAS: kept open for the next request, one request at a time each, as many as clients ask for at once. */
export function createUpstream (origin: string, { connectTimeoutMs, responseTimeoutMs }: UpstreamTimeouts): Pool {
  return new Pool(origin, {
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED cannot unsay it.
    connect: { timeout: connectTimeoutMs, rejectUnauthorized: true },
    headersTimeout: responseTimeoutMs,
    bodyTimeout: responseTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    pipelining: 1
  })
}
