import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Access } from '../maas/access.ts'

/**
 * The access that the client asks for in `MAAS-Proxy-Access`, for this one request; undefined where it leaves it to us.
 * @throws ProxyError MAAS_PROXY_HEADER_MALFORMED for any other value, two of them included
 */
export function askedAccess (request: IncomingMessage): Access | undefined {
  const asked = request.headers['maas-proxy-access']
  if (asked === undefined || asked === 'signed' || asked === 'anonymous') return asked
  throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', {
    message: 'MAAS-Proxy-Access is neither signed nor anonymous',
    remedy: 'send MAAS-Proxy-Access: signed, or anonymous, or leave it out'
  })
}
