import type { ErrorCode } from '../errors.ts'
import type { Outcome } from '../exchange/plugin.ts'
import { LastHour } from '../observe/last-hour.ts'
import type { Traffic } from '../observe/metrics/traffic.ts'
import { RecentRequests } from '../observe/recent-requests.ts'
import { version } from '../package.ts'
import type { DashboardData } from '../respond/dashboard-data.ts'
import type { ListenerFacts } from '../respond/facts.ts'

/** Keeps what the page of the separate address shows of requests. It costs memory of a fixed size. */
export class Activity {
  readonly #traffic: Traffic
  readonly #latest = new RecentRequests()
  readonly #hour = new LastHour()

  /** @param traffic has the counts of errors */
  constructor (traffic: Traffic) {
    this.#traffic = traffic
  }

  /** Takes note of a finished request. */
  readonly observe = (outcome: Outcome): void => {
    this.#latest.add(outcome)
    this.#hour.add(outcome)
  }

  /** Returns the content of the page. */
  dashboard (listeners: readonly ListenerFacts[]): DashboardData {
    const counts = Object.entries(this.#traffic.errors) as Array<[ErrorCode, number]>
    const errors = counts.filter(([, count]) => count > 0).map(([code, count]) => ({ code, count }))
    return {
      version: version(),
      listeners,
      latest: this.#latest.latest,
      errors: errors.sort((a, b) => b.count - a.count),
      minutes: this.#hour.minutes
    }
  }
}
