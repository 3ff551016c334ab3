import { X509Certificate } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { formatListenAddress } from '../listen/address.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import { formatExpiry } from '../settings/expiry.ts'

const DAY_MS = 24 * 3_600_000

/** How long before its end an access is worth a warning. */
const NOTICE_MS = 7 * DAY_MS

/** What of a listener may end. */
type Reminded = Pick<ListenerConfig, 'address' | 'clients' | 'tls'>

/** Logs every day which clients lose their access within a week, or have lost it, and which certificates end. */
export class ExpiryReminder {
  readonly #listeners: () => ReadonlyArray<Reminded>
  readonly #logger: FastifyBaseLogger
  readonly #timer: NodeJS.Timeout

  /** @param listeners returns the listeners as they are now */
  constructor (listeners: () => ReadonlyArray<Reminded>, logger: FastifyBaseLogger) {
    this.#listeners = listeners
    this.#logger = logger
    this.#timer = setInterval(this.remind, DAY_MS)
    this.#timer.unref()
  }

  /** Logs each client once, on however many listeners it is. */
  readonly remind = (): void => {
    const ends = new Map<string, { client: string, expires: string, isOver: boolean }>()
    const now = Date.now()
    for (const { name, expires } of this.#listeners().flatMap(({ clients }) => clients ?? [])) {
      if (expires === null || expires.getTime() - now > NOTICE_MS) continue
      const at = formatExpiry(expires)
      ends.set(`${name} ${at}`, { client: name, expires: at, isOver: expires.getTime() <= now })
    }
    for (const { client, expires, isOver } of ends.values()) {
      const message = isOver ? 'the access of a client has ended' : 'the access of a client ends within a week'
      this.#logger.warn({ client, expires }, message)
    }
    for (const { address, tls } of this.#listeners()) {
      if (tls === null) continue
      const { validFromDate, validToDate } = new X509Certificate(tls.cert[0] as string)
      const left = validToDate.getTime() - now
      // A certificate that lasts for a day is renewed every day, so a fixed week would always warn of it.
      if (left > Math.min(NOTICE_MS, (validToDate.getTime() - validFromDate.getTime()) / 5)) continue
      const fields = { listener: formatListenAddress(address, true), expires: formatExpiry(validToDate) }
      this.#logger.warn(fields, `the certificate of a listener ${left > 0 ? 'ends within a week' : 'has ended'}`)
    }
  }

  /** Stops the reminders. */
  close (): void {
    clearInterval(this.#timer)
  }
}
