import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import { ownOrigin } from '../http/fields.ts'
import { bracket, type ListenAddress } from '../listen/address.ts'

/** Which names and origins may be used with a listener. */
export interface BrowserGuard {
  /** host names in lower case, with a port (then it counts) or without; null lets any pass */
  hosts: ReadonlySet<string> | null
  /** origins of web pages, as browsers send them */
  origins: ReadonlySet<string>
}

/** The names under which a listener on loopback is reached. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'] as const

const PORT = /:\d{1,5}$/

/**
 * Makes the guard of a listener. A unix socket is reached by no page, and clients send any name to it.
 * @param allowHosts further names in lower case; `*` lets any pass
 */
export function browserGuard (address: ListenAddress, allowHosts: readonly string[], allowOrigins: readonly string[]): BrowserGuard {
  const hosts = 'path' in address || allowHosts.includes('*') ? null : new Set([...LOOPBACK_NAMES, bracket(address.host).toLowerCase(), ...allowHosts])
  return { hosts, origins: new Set(allowOrigins) }
}

/**
 * Refuses what a browser sends on behalf of a page: MAAS has no CSRF check for API calls, so any page could release a
 * machine. Clients that are no browsers send neither `Origin` nor `Sec-Fetch-Site`, and a right `Host`.
 * @throws ProxyError MAAS_PROXY_HOST_REFUSED, MAAS_PROXY_ORIGIN_REFUSED
 */
export function checkBrowser (request: Pick<IncomingMessage, 'headers' | 'socket'>, guard: BrowserGuard): void {
  const { headers } = request
  checkHost(headers.host, guard.hosts)
  const { origin, 'sec-fetch-site': site } = headers
  if (headers['access-control-request-method'] !== undefined) throw refused('is the preflight of a web page (CORS), which is never allowed')
  if (origin !== undefined) {
    if (guard.origins.has(origin)) return
    if (origin === 'null') throw refused('comes from a web page that does not say its origin (Origin: null), as a file or a sandboxed frame')
    if (headers.host === undefined || origin !== ownOrigin(request)) throw refused(`comes from a web page of the origin ${shown(origin)}`, `if that page may use the API key, start with --allow-origin ${shown(origin)}`)
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw refused(`comes from a web page of another site (Sec-Fetch-Site: ${shown(site)})`)
}

/** DNS rebinding (RFC 9110 §17.1 on authority): a page's own name resolves to this machine, but stays in its `Host`. */
function checkHost (host: string | undefined, hosts: BrowserGuard['hosts']): void {
  if (hosts === null) return
  if (host === undefined || host === '') throw new ProxyError('MAAS_PROXY_HOST_REFUSED', { message: 'the request has no Host' })
  const name = host.toLowerCase()
  if (hosts.has(name) || hosts.has(name.replace(PORT, ''))) return
  throw new ProxyError('MAAS_PROXY_HOST_REFUSED', {
    message: `the Host ${shown(host)} is not a name of this listener`,
    remedy: `use http://localhost:PORT, or start with --allow-host ${shown(host.replace(PORT, ''))}`
  })
}

function refused (what: string, remedy?: string): ProxyError {
  return new ProxyError('MAAS_PROXY_ORIGIN_REFUSED', { message: `the request ${what}`, ...(remedy === undefined ? {} : { remedy }) })
}

/** A value of a header field as it may stand in a message: short, and nothing that a terminal would act on. */
function shown (value: string): string {
  return value.replace(/[^\x21-\x7e]/g, '?').slice(0, 100)
}
