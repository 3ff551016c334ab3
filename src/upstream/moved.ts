import { ProxyError } from '../errors.ts'

/** @throws ProxyError MAAS_PROXY_UPSTREAM_MOVED where an absolute location is the https address of the MAAS that was asked by http */
export function checkMoved (location: string, upstream: string): void {
  const [{ origin, protocol, hostname }, asked] = [new URL(location), new URL(upstream)]
  if (protocol !== 'https:' || asked.protocol !== 'http:' || hostname !== asked.hostname) return
  throw new ProxyError('MAAS_PROXY_UPSTREAM_MOVED', { message: `MAAS has TLS and redirects to ${origin}`, remedy: `set MAAS_URL=${origin}/MAAS` })
}
