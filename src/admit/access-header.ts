import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Access } from '../maas/access.ts'

/**
 * Reads `MAAS-Proxy-Access`, by which a client chooses the access of one request.
 * @returns undefined if the client leaves the choice to the proxy
 * @throws ProxyError MAAS_PROXY_HEADER_MALFORMED for any other value, and for a repeated header
 */
export function askedAccess (request: IncomingMessage): Access | undefined {
  const asked = request.headers['maas-proxy-access']
  if (asked === undefined || asked === 'signed' || asked === 'anonymous') return asked
  throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', {
    message: 'MAAS-Proxy-Access is neither signed nor anonymous',
    remedy: 'send MAAS-Proxy-Access: signed, or anonymous, or leave it out'
  })
}
