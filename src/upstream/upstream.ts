import type { Dispatcher } from 'undici'
import type { MaasClock } from '../maas/clock.ts'

/** The way to MAAS, and what is known of its time: one for all listeners. */
export interface Upstream {
  /** scheme, host and port of MAAS */
  origin: string
  pool: Dispatcher
  clock: MaasClock
}
