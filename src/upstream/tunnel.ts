import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { type ErrorCode, type ErrorDetails, ProxyError } from '../errors.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { withoutBrackets } from '../listen/address.ts'

/** How to open tunnels. */
export interface TunnelOptions {
  proxy: EgressProxy
  /** connects to the egress proxy, and verifies it where it is spoken to by https */
  connect: buildConnector.connector
  /** host and port of MAAS, as in a URL */
  authority: string
  /** for the egress proxy to open the way, once it is connected to */
  timeoutMs: number
}

/** Gets an error, or the socket that leads to MAAS. */
export type OnTunnel = (...result: [ProxyError, null] | [null, Socket]) => void

/** Opens a tunnel to MAAS through an egress proxy. What goes through it is between us and MAAS. */
export function openTunnel (options: TunnelOptions, done: OnTunnel): void {
  const { proxy, connect } = options
  const { protocol, host, hostname, port } = new URL(proxy.origin)
  connect({ protocol, host, hostname: withoutBrackets(hostname), port }, (cause, socket) => {
    if (cause === null) askForWay(socket, options, done)
    else done(unreachable(proxy, cause), null)
  })
}

/** Asks for the way by CONNECT (RFC 9110 §9.3.6), on a connection of its own. */
function askForWay (connection: Socket, { proxy, authority, timeoutMs }: TunnelOptions, done: OnTunnel): void {
  const headers = { Host: authority, ...proxy.authorization === null ? {} : { 'Proxy-Authorization': proxy.authorization } }
  const request = httpRequest({ method: 'CONNECT', path: authority, headers, createConnection: () => connection })
  request.removeHeader('Connection') // node says close, which some take for the tunnel's end
  const timer = setTimeout(() => request.destroy(failure(proxy, 'MAAS_PROXY_CONNECT_TIMED_OUT', 'opened no way to MAAS in time', { remedy: 'check whether it reaches MAAS, or raise --connect-timeout' })), timeoutMs)
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

/** What the answer to CONNECT means; null where there is a tunnel. @param head the bytes that came together with it */
function explainRefusal (proxy: EgressProxy, authority: string, status: number, head: Buffer): ProxyError | null {
  if (status >= 200 && status < 300) {
    // MAAS sends nothing before it is asked. undici would drop the connection and open the next, without end.
    if (head.length === 0) return null
    return failure(proxy, 'MAAS_PROXY_EGRESS_UNREACHABLE', 'answers CONNECT with a page, as a web server does')
  }
  if (status === 407) return failure(proxy, 'MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED', proxy.authorization === null ? 'asks for a user name and password' : 'does not accept the user name and password that it was given')
  return failure(proxy, status < 500 ? 'MAAS_PROXY_EGRESS_REFUSED' : 'MAAS_PROXY_EGRESS_FAILED', `answered ${status} when it was asked for a way to ${authority}`)
}

function unreachable (proxy: EgressProxy, cause: Error): ProxyError {
  return failure(proxy, 'MAAS_PROXY_EGRESS_UNREACHABLE', 'cannot be reached, or does not speak HTTP', { cause })
}

function failure ({ origin }: EgressProxy, code: ErrorCode, what: string, details: ErrorDetails = {}): ProxyError {
  return new ProxyError(code, { message: `the egress proxy ${origin} ${what}`, ...details })
}
