import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, type ErrorDetails, ProxyError } from '../errors.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'

interface TunnelOptions {
  proxy: EgressProxy
  /** connects to the egress proxy, and verifies its certificate if it has https */
  connect: () => Promise<Socket>
  /** host and port of MAAS, as in a URL */
  authority: string
}

/**
 * Opens a tunnel to MAAS through an egress proxy.
 * @param signal ends the attempt
 * @returns the socket that leads to MAAS
 * @throws ProxyError
 */
export async function openTunnel (options: TunnelOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, connect } = options
  const connection = await connect().catch((cause: Error) => { throw unreachable(proxy, cause) })
  return await sendConnect(connection, options, signal)
}

/** Sends CONNECT (RFC 9110 §9.3.6) on a connection to the egress proxy. */
async function sendConnect (
  connection: Socket, { proxy, authority }: TunnelOptions, signal: AbortSignal
): Promise<Socket> {
  const { authorization } = proxy
  const headers = { Host: authority, ...authorization === null ? {} : { 'Proxy-Authorization': authorization } }
  const request = httpRequest({
    method: 'CONNECT', path: authority, headers, createConnection: () => connection
  })
  // Node adds `Connection: close`, on which some proxies close the tunnel.
  request.removeHeader('Connection')
  return await new Promise((resolve, reject) => {
    const onAbort = () => { request.destroy(timedOut(proxy)) }
    signal.addEventListener('abort', onAbort)
    request.once('connect', (response: IncomingMessage, socket: Socket, head: Buffer) => {
      signal.removeEventListener('abort', onAbort)
      const refusal = explainRefusal(proxy, authority, response.statusCode as number, head)
      if (refusal === null) return resolve(socket)
      socket.destroy()
      reject(refusal)
    })
    request.once('error', cause => { reject(cause instanceof ProxyError ? cause : unreachable(proxy, cause)) })
    request.end()
  })
}

/**
 * Explains the answer to CONNECT.
 * @param authority host and port of MAAS
 * @param head the bytes that arrived with the answer
 * @returns why there is no tunnel; null if there is one
 */
function explainRefusal (proxy: EgressProxy, authority: string, status: number, head: Buffer): ProxyError | null {
  if (status >= 200 && status < 300) {
    // MAAS sends nothing before a request. On such a connection undici would reconnect in an endless loop.
    if (head.length === 0) return null
    return failure(proxy, 'MAAS_PROXY_EGRESS_UNREACHABLE', 'answers CONNECT with a page, as a web server does')
  }
  if (status === 407) {
    const what = proxy.authorization === null
      ? 'asks for a user name and password'
      : 'does not accept the user name and password that it was given'
    return failure(proxy, 'MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED', what)
  }
  const code = status < 500 ? 'MAAS_PROXY_EGRESS_REFUSED' : 'MAAS_PROXY_EGRESS_FAILED'
  return failure(proxy, code, `answered ${status} to CONNECT ${authority}`)
}

function timedOut (proxy: EgressProxy): ProxyError {
  const remedy = 'check whether it reaches MAAS, or raise --connect-timeout'
  return failure(proxy, 'MAAS_PROXY_CONNECT_TIMED_OUT', 'did not open a tunnel to MAAS in time', { remedy })
}

function unreachable (proxy: EgressProxy, cause: Error): ProxyError {
  return failure(proxy, 'MAAS_PROXY_EGRESS_UNREACHABLE', 'cannot be reached, or does not speak HTTP', { cause })
}

function failure ({ origin }: EgressProxy, code: ErrorCode, what: string, details: ErrorDetails = {}): ProxyError {
  return new ProxyError(code, { message: `the egress proxy ${origin} ${what}`, ...details })
}
