import type { Socket } from 'node:net'
import { errors } from 'undici'
import { ProxyError } from '../errors.ts'
import type { ConnectionWatch, WatchedConnection } from './connection-watch.ts'
import { portsOf } from './tcp-table.ts'
import { Wire } from './wire.ts'

/** The maximum age of a connection that is used again. A changed address of MAAS is noticed within this time. */
const MAX_AGE_MS = 45_000

/** Codes of a connection that died without a word. What has killed it may have killed the others. */
const SILENT_DEATHS: ReadonlySet<string> = new Set([
  'MAAS_PROXY_UPSTREAM_LOST', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'
])

/**
 * How long MAAS's side of a connection may fail to answer: not to say what it was asked, but to acknowledge that it has
 * received it, which its system does even if MAAS is busy.
 */
const PATIENCE_MS = { repeatable: 5000, other: 30_000 } as const

/** The current connection of one client. */
export class ConnectionTracker implements WatchedConnection {
  readonly #watch: ConnectionWatch
  #socket: Socket | null = null
  #wire: Wire | null = null
  #bytesAtStart = 0
  #openedAt = 0
  #isDoubtful = false
  #attempt: RequestAttempt | null = null

  constructor (watch: ConnectionWatch) {
    this.#watch = watch
  }

  /**
   * Replaces the connection. Bytes that were read before, such as the answer to CONNECT, do not count as a response.
   */
  setConnection (socket: Socket): void {
    this.#socket = socket
    this.#wire = new Wire(socket)
    this.#bytesAtStart = socket.bytesRead
    this.#openedAt = performance.now()
    this.#isDoubtful = false
    this.#attempt = null
    this.#watch.add(this)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (this.#attempt !== null) this.#attempt.failure = error
      if (SILENT_DEATHS.has(String(error.code))) this.#watch.doubtAll()
    })
    socket.once('close', () => { this.#watch.delete(this) })
  }

  /** Whether there is a connection that the next request could be written to. */
  get isOpen (): boolean { return this.#socket?.destroyed === false }

  get localAddress (): string | undefined { return this.#socket?.localAddress }

  doubt (): void {
    this.#isDoubtful = true
  }

  /** Prepares for a request. The client opens another connection if the present one is too old or doubtful. */
  prepare (): void {
    if (this.#socket === null || this.#socket.destroyed) return
    if (this.#isDoubtful || performance.now() - this.#openedAt > MAX_AGE_MS) {
      this.#socket.destroy(new errors.InformationalError('the connection is not used again'))
    } else {
      this.#wire?.expectAnswer()
    }
  }

  /**
   * Records the state of the connection when a request is written to it.
   * @param isRepeatable whether the request is sent again if a reused connection turns out to be dead
   */
  beginAttempt (isRepeatable: boolean): RequestAttempt {
    this.#attempt = new RequestAttempt(this.#socket as Socket, this.#wire as Wire, this.#bytesAtStart, isRepeatable)
    return this.#attempt
  }

  silence (now: number): number {
    return this.#attempt === null || this.#attempt.hasAnswer ? 0 : now - this.#attempt.startedAt
  }

  judge (unanswered: ReadonlySet<string>, now: number): void {
    const ports = portsOf(this.#socket?.localPort, this.#socket?.remotePort)
    this.#attempt?.judge(!unanswered.has(ports), now)
  }
}

/** One attempt to send a request on a connection. */
export class RequestAttempt {
  readonly startedAt = performance.now()
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #bytesBefore: number
  readonly #patienceMs: number
  #unansweredSince: number | null = null
  /** the error that ended the connection; undici takes a reset for the end of a body that ends with the connection */
  failure: Error | null = null
  /** whether the connection has carried a response before */
  readonly isReuse: boolean

  /**
   * @param bytesAtStart how many bytes had been read when the connection was established
   * @param isRepeatable as in {@link ConnectionTracker.beginAttempt}
   */
  constructor (socket: Socket, wire: Wire, bytesAtStart: number, isRepeatable: boolean) {
    this.#socket = socket
    this.#wire = wire
    this.#bytesBefore = socket.bytesRead
    this.isReuse = this.#bytesBefore > bytesAtStart
    this.#patienceMs = PATIENCE_MS[isRepeatable && this.isReuse ? 'repeatable' : 'other']
  }

  /** Whether any byte of a response has arrived, even of a partial status line. */
  get hasAnswer (): boolean { return this.#socket.bytesRead > this.#bytesBefore }

  /** Records that a part of the body has arrived. */
  progress (): void {
    this.#wire.progress()
  }

  /** Ends the connection if its other side has not answered for too long. */
  judge (isAnswered: boolean, now: number): void {
    if (isAnswered || this.hasAnswer) {
      this.#unansweredSince = null
      return
    }
    this.#unansweredSince ??= now
    if (now - this.#unansweredSince >= this.#patienceMs) {
      this.#socket.destroy(new ProxyError('MAAS_PROXY_UPSTREAM_LOST'))
    }
  }
}
