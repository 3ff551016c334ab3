import { ProxyError } from '../errors.ts'

/**
 * Refuses a redirect from MAAS's http address to its https address. MAAS with TLS redirects everything but machines
 * there, and a client that follows would bypass the proxy, unsigned (`regiond.nginx.conf.template`).
 * @param location an absolute URL
 * @param upstream the origin of MAAS
 * @throws ProxyError MAAS_PROXY_UPSTREAM_MOVED
 */
export function checkMoved (location: string, upstream: string): void {
  const [{ origin, protocol, hostname }, current] = [new URL(location), new URL(upstream)]
  if (protocol !== 'https:' || current.protocol !== 'http:' || hostname !== current.hostname) return
  throw new ProxyError('MAAS_PROXY_UPSTREAM_MOVED', {
    message: `MAAS has TLS and redirects to ${origin}`,
    remedy: `set MAAS_URL=${origin}/MAAS`
  })
}
