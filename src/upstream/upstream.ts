import type { Dispatcher } from 'undici'
import type { MaasClock } from '../maas/clock.ts'

/** The MAAS region that requests are forwarded to. All listeners share it. */
export interface Upstream {
  /** scheme, host and port of MAAS */
  origin: string
  /** the connections to MAAS */
  pool: Dispatcher
  /** the time of MAAS */
  clock: MaasClock
}
