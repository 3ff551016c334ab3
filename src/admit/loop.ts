import { ProxyError } from '../errors.ts'
import { PSEUDONYM } from '../http/via.ts'

/** Refuses a request that has been here before. @throws ProxyError MAAS_PROXY_LOOP_DETECTED */
export function checkLoop (via: string | undefined): void {
  if (via?.includes(PSEUDONYM) === true) throw new ProxyError('MAAS_PROXY_LOOP_DETECTED')
}
