import { networkInterfaces } from 'node:os'
import { unansweredConnections } from './tcp-table.ts'

const INTERVAL_MS = 1000

/** How long MAAS may be silent before it matters whether its side of the connection still answers. */
const SILENCE_MS = 3000

/** A jump of the wall clock against the monotonic one, which stands still while the machine sleeps. */
const CLOCK_JUMP_MS = 5000

/** A connection to MAAS. */
export interface WatchedConnection {
  /** the address of this machine; undefined if the connection is one inside another */
  localAddress: string | undefined
  /** Sees to it that no later request is sent on the connection. */
  doubt (): void
  /**
   * Milliseconds since a request was written that has no answer yet; 0 if there is none.
   * @param now of {@link performance.now}
   */
  silence (now: number): number
  /**
   * Ends the connection if its other side has not answered for too long.
   * @param unanswered the connections that are not answered, as {@link unansweredConnections} returns them
   * @param now of {@link performance.now}
   */
  judge (unanswered: ReadonlySet<string>, now: number): void
}

/**
 * Finds connections to MAAS that died without a word: this machine slept or got another address, or a device on the way
 * forgot the connection. Such a connection is not used again, and what waits for an answer on it fails.
 */
export class ConnectionWatch {
  readonly #connections = new Set<WatchedConnection>()
  #timer: NodeJS.Timeout | undefined
  #clockOffset = clockOffset()
  #addresses: ReadonlySet<string> | null = null
  #isReading = false

  /** Watches a connection. */
  add (connection: WatchedConnection): void {
    if (this.#timer === undefined) {
      this.#addresses = localAddresses()
      this.#timer = setInterval(() => { this.#look() }, INTERVAL_MS).unref()
    }
    this.#connections.add(connection)
  }

  /** Forgets a connection that has ended. */
  delete (connection: WatchedConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Doubts all connections if the machine has slept since the last call. */
  lookAtClock (): void {
    const offset = clockOffset()
    if (Math.abs(offset - this.#clockOffset) > CLOCK_JUMP_MS) this.doubtAll()
    this.#clockOffset = offset
  }

  /** Sees to it that no request is sent on any of the present connections. */
  doubtAll (): void {
    for (const connection of this.#connections) connection.doubt()
  }

  #look (): void {
    this.lookAtClock()
    this.#lookAtAddresses()
    void this.#lookAtSilence()
  }

  /** Stops reusing connections whose local address this machine has lost since the last look. */
  #lookAtAddresses (): void {
    const before = this.#addresses
    const present = localAddresses()
    this.#addresses = present
    if (before === null || present === null) return
    for (const connection of this.#connections) {
      const { localAddress = '' } = connection
      if (before.has(localAddress) && !present.has(localAddress)) connection.doubt()
    }
  }

  async #lookAtSilence (): Promise<void> {
    const now = performance.now()
    const silent = [...this.#connections].filter(connection => connection.silence(now) > SILENCE_MS)
    if (silent.length === 0 || this.#isReading) return
    this.#isReading = true
    const unanswered = await unansweredConnections()
    this.#isReading = false
    for (const connection of silent) connection.judge(unanswered, now)
  }
}

/** Milliseconds between the beginnings of the wall clock and of the monotonic clock. */
function clockOffset (): number {
  return Date.now() - performance.now()
}

/**
 * The addresses of this machine.
 * @returns null where the process may not ask for them: systemd's `RestrictAddressFamilies=` without AF_NETLINK
 */
function localAddresses (): ReadonlySet<string> | null {
  try {
    return new Set(Object.values(networkInterfaces()).flat().map(one => String(one?.address)))
  } catch {
    return null
  }
}
