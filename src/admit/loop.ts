import { ProxyError } from '../errors.ts'
import { PSEUDONYM } from '../http/via.ts'

/**
 * Refuses a request that this process has sent itself.
 * @param via the request's `Via` (RFC 9110 §7.6.3)
 * @throws ProxyError MAAS_PROXY_LOOP_DETECTED
 */
export function checkLoop (via: string | undefined): void {
  if (via?.includes(PSEUDONYM) === true) throw new ProxyError('MAAS_PROXY_LOOP_DETECTED')
}
