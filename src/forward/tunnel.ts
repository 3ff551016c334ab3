import { type ClientRequestArgs, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { type ErrorCode, type ErrorDetails, ProxyError } from '../errors.ts'
import type { EgressProxy } from '../settings/egress.ts'

/** How to reach the egress proxy. */
export interface TunnelOptions {
  /** for the tunnel to stand */
  timeoutMs: number
  /** certificates to trust, if the proxy itself is spoken to by https, in PEM */
  ca: string[]
}

const KEEP_ALIVE_PROBES_MS = 60_000

/**
 * Opens a tunnel to MAAS through an egress proxy, by CONNECT (RFC 9110 §9.3.6). What goes through it is between us and MAAS.
 * @param authority host and port of MAAS
 * @param done gets the error, a ProxyError, or the socket that leads to MAAS
 */
export function openTunnel (proxy: EgressProxy, authority: string, { timeoutMs, ca }: TunnelOptions, done: (...result: [ProxyError, null] | [null, Socket]) => void): void {
  const { protocol, hostname, port } = new URL(proxy.origin)
  const headers = { Host: authority, ...proxy.authorization === null ? {} : { 'Proxy-Authorization': proxy.authorization } }
  const args: ClientRequestArgs = { method: 'CONNECT', host: hostname.replace(/^\[|\]$/g, ''), port, path: authority, headers, agent: false }
  // An egress proxy is verified whatever is said of MAAS: it gets the credentials of the user.
  const request = protocol === 'https:' ? httpsRequest({ ...args, ca, rejectUnauthorized: true, minVersion: 'TLSv1.2' }) : httpRequest(args)
  request.removeHeader('Connection') // node says close, which some take for the tunnel's end
  const timer = setTimeout(() => request.destroy(failure(proxy, 'MAAS_PROXY_CONNECT_TIMED_OUT', 'opened no way to MAAS in time', { remedy: 'check whether it reaches MAAS, or raise --connect-timeout' })), timeoutMs)
  request.once('connect', (response: IncomingMessage, socket: Socket, head: Buffer) => {
    clearTimeout(timer)
    const refusal = explainRefusal(proxy, authority, response.statusCode as number)
    if (refusal !== null) {
      socket.destroy()
      return done(refusal, null)
    }
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_PROBES_MS).unshift(head)
    done(null, socket)
  })
  request.once('error', cause => {
    clearTimeout(timer)
    done(cause instanceof ProxyError ? cause : failure(proxy, 'MAAS_PROXY_EGRESS_UNREACHABLE', 'cannot be reached, or does not speak HTTP', { cause }), null)
  })
  request.end()
}

/** What the answer to CONNECT means; null where there is a tunnel. */
function explainRefusal (proxy: EgressProxy, authority: string, status: number): ProxyError | null {
  if (status >= 200 && status < 300) return null
  if (status === 407) return failure(proxy, 'MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED', proxy.authorization === null ? 'asks for a user name and password' : 'does not accept the user name and password that it was given')
  return failure(proxy, status < 500 ? 'MAAS_PROXY_EGRESS_REFUSED' : 'MAAS_PROXY_EGRESS_FAILED', `answered ${status} when it was asked for a way to ${authority}`)
}

function failure ({ origin }: EgressProxy, code: ErrorCode, what: string, details: ErrorDetails = {}): ProxyError {
  return new ProxyError(code, { message: `the egress proxy ${origin} ${what}`, ...details })
}
