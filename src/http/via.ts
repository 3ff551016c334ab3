import { randomBytes } from 'node:crypto'

/** The name of this process in `Via` (RFC 9110 §7.6.3), random so that no other process has it. */
export const PSEUDONYM = `maas-auth-proxy-${randomBytes(6).toString('hex')}`

/** The `Via` value of every request to MAAS. A request that arrives with it is in a loop. */
export const VIA = `1.1 ${PSEUDONYM}`
