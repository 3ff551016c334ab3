import { randomBytes } from 'node:crypto'

/** The name of this process in `Via` (RFC 9110 §7.6.3); another one in every process. */
export const PSEUDONYM = `maas-auth-proxy-${randomBytes(6).toString('hex')}`

/** The `Via` that goes along with every request to MAAS. A request that has it already is in a loop. */
export const VIA = `1.1 ${PSEUDONYM}`
