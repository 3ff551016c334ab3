import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import { ownOrigin } from '../http/fields.ts'
import { bracket, type ListenAddress } from '../listen/address.ts'

/** The names and origins that a listener accepts. */
export interface BrowserGuard {
  /** host names in lower case, for one port or, without a port, for all; null accepts any name */
  hosts: ReadonlySet<string> | null
  /** origins of web pages, as browsers send them */
  origins: ReadonlySet<string>
}

/** The names of a listener on loopback. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'] as const

const PORT = /:\d{1,5}$/

/** A value of `Host` (RFC 9110 §7.2): a name, which may be empty, of the length that DNS allows, or an address. */
const HOST_FORM = /^[\w.~!$&'()*+,;=%:[\]-]{0,261}$/

/**
 * Creates the guard of a listener. No web page can reach a unix socket, and its clients send any name, so a guard of
 * one accepts all names.
 * @param allowHosts additional names in lower case; `*` accepts any
 * @param allowOrigins origins of pages that may use the listener
 */
export function browserGuard (
  address: ListenAddress, allowHosts: readonly string[], allowOrigins: readonly string[]
): BrowserGuard {
  const origins = new Set(allowOrigins)
  if ('path' in address || allowHosts.includes('*')) return { hosts: null, origins }
  return { hosts: new Set([...LOOPBACK_NAMES, bracket(address.host).toLowerCase(), ...allowHosts]), origins }
}

/**
 * Refuses requests that a browser sends for a foreign page. MAAS has no CSRF check for API calls, so without this check
 * any page could release a machine. Other clients send neither `Origin` nor `Sec-Fetch-Site`.
 * @throws ProxyError MAAS_PROXY_HOST_REFUSED, MAAS_PROXY_ORIGIN_REFUSED, MAAS_PROXY_HEADER_MALFORMED
 */
export function checkBrowser (request: Pick<IncomingMessage, 'headers' | 'socket'>, guard: BrowserGuard): void {
  const { headers } = request
  checkHost(headers.host, guard.hosts)
  const { origin, 'sec-fetch-site': site } = headers
  if (headers['access-control-request-method'] !== undefined) {
    throw originRefused('is the preflight of a web page (CORS), which is never allowed')
  }
  if (origin !== undefined) {
    if (guard.origins.has(origin)) return
    if (origin === 'null') {
      throw originRefused(
        'comes from a web page that does not say its origin (Origin: null), such as a file or a sandboxed frame'
      )
    }
    if (headers.host === undefined || origin !== ownOrigin(request)) {
      const name = toVisibleAscii(origin)
      const remedy = `if that page may use the API key, start with --allow-origin ${name}`
      throw originRefused(`comes from a web page of the origin ${name}`, remedy)
    }
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw originRefused(`comes from a web page of another site (Sec-Fetch-Site: ${toVisibleAscii(site)})`)
  }
}

/** Refuses DNS rebinding: a page's own name may resolve to this machine, but `Host` still has that name. */
function checkHost (host: string | undefined, hosts: BrowserGuard['hosts']): void {
  if (hosts === null) {
    if (host === undefined || HOST_FORM.test(host)) return
    throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', { message: 'the Host is not a host name' })
  }
  if (host === undefined || host === '') {
    throw new ProxyError('MAAS_PROXY_HOST_REFUSED', { message: 'the request has no Host' })
  }
  const name = host.toLowerCase()
  if (hosts.has(name) || hosts.has(name.replace(PORT, ''))) return
  throw new ProxyError('MAAS_PROXY_HOST_REFUSED', {
    message: `the Host ${toVisibleAscii(host)} is not a name of this listener`,
    remedy: `use http://localhost:PORT, or start with --allow-host ${toVisibleAscii(host.replace(PORT, ''))}`
  })
}

function originRefused (what: string, remedy?: string): ProxyError {
  const message = `the request ${what}`
  return new ProxyError('MAAS_PROXY_ORIGIN_REFUSED', { message, ...(remedy === undefined ? {} : { remedy }) })
}

/** Makes a header value safe for messages: at most 100 characters, without control sequences of terminals. */
function toVisibleAscii (value: string): string {
  return value.replace(/[^\x21-\x7e]/g, '?').slice(0, 100)
}
