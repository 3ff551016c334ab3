import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { type ErrorCode, type ErrorDetails, ProxyError } from '../errors.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { withoutBrackets } from '../listen/address.ts'

interface TunnelOptions {
  proxy: EgressProxy
  /** connects to the egress proxy, and verifies its certificate if it has https */
  connect: buildConnector.connector
  /** host and port of MAAS, as in a URL */
  authority: string
  /** for the answer to CONNECT */
  timeoutMs: number
}

/** A callback that gets an error, or the socket that leads to MAAS. */
type OnTunnel = (...result: [ProxyError, null] | [null, Socket]) => void

/**
 * Opens a tunnel to MAAS through an egress proxy.
 * @param done called once
 */
export function openTunnel (options: TunnelOptions, done: OnTunnel): void {
  const { proxy, connect } = options
  const { protocol, host, hostname, port } = new URL(proxy.origin)
  connect({ protocol, host, hostname: withoutBrackets(hostname), port }, (cause, socket) => {
    if (cause === null) sendConnect(socket, options, done)
    else done(unreachable(proxy, cause), null)
  })
}

/** Sends CONNECT (RFC 9110 §9.3.6) on a connection to the egress proxy. */
function sendConnect (connection: Socket, { proxy, authority, timeoutMs }: TunnelOptions, done: OnTunnel): void {
  const { authorization } = proxy
  const headers = { Host: authority, ...authorization === null ? {} : { 'Proxy-Authorization': authorization } }
  const request = httpRequest({
    method: 'CONNECT', path: authority, headers, createConnection: () => connection
  })
  // Node adds `Connection: close`, on which some proxies close the tunnel.
  request.removeHeader('Connection')
  const timer = setTimeout(() => request.destroy(timedOut(proxy)), timeoutMs)
  request.once('connect', (response: IncomingMessage, socket: Socket, head: Buffer) => {
    clearTimeout(timer)
    const refusal = explainRefusal(proxy, authority, response.statusCode as number, head)
    if (refusal === null) {
      done(null, socket)
    } else {
      socket.destroy()
      done(refusal, null)
    }
  })
  request.once('error', cause => {
    clearTimeout(timer)
    done(cause instanceof ProxyError ? cause : unreachable(proxy, cause), null)
  })
  request.end()
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
