import { randomBytes } from 'node:crypto'
import { ProxyError } from '../errors.ts'

/** The name of this process in `Via` (RFC 9110 §7.6.3: a pseudonym will do), another one in every process. */
export const PSEUDONYM = `maas-auth-proxy-${randomBytes(6).toString('hex')}`

/** The `Via` that goes along with every request, and by which one that comes back is known. */
export const VIA = `1.1 ${PSEUDONYM}`

/** Refuses a request that has been here before. @throws ProxyError MAAS_PROXY_LOOP_DETECTED */
export function checkLoop (via: string | undefined): void {
  if (via?.includes(PSEUDONYM) === true) throw new ProxyError('MAAS_PROXY_LOOP_DETECTED')
}
