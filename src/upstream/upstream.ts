import type { Dispatcher } from 'undici'
import type { MaasClock } from '../maas/clock.ts'
import type { BacklogBudget } from './backlog-budget.ts'
import type { RequestQueue } from './queue.ts'

/** The MAAS region that requests are forwarded to. All listeners share it. */
export interface Upstream {
  /** scheme, host and port of MAAS */
  origin: string
  /** the connections to MAAS */
  pool: Dispatcher
  /** connections of their own for probes, which so never wait for requests */
  probes: Dispatcher
  /** where requests wait for a connection */
  queue: RequestQueue
  /** the memory for slow clients that share an answer; null if identical reads do not share a request */
  backlogBudget: BacklogBudget | null
  /** the time of MAAS */
  clock: MaasClock
}
