import type { ErrorCode } from '../errors.ts'
import type { MinuteSummary } from '../observe/last-hour.ts'
import type { RecentRequest } from '../observe/recent-requests.ts'
import type { ListenerFacts } from './facts.ts'

/** What the operator sees of a proxy. */
export interface DashboardData {
  /** the version of the proxy */
  version: string
  listeners: readonly ListenerFacts[]
  /** the latest requests, the last one first */
  latest: readonly RecentRequest[]
  /** how many requests the proxy itself answered since the start, by error; only errors that occurred */
  errors: ReadonlyArray<{ code: ErrorCode, count: number }>
  /** the last sixty minutes, the present one last */
  minutes: readonly MinuteSummary[]
}
