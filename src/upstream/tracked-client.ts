import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher } from 'undici'

/** A handler that needs the connection its request was written to, which undici does not expose. */
export interface TrackerAware {
  /** called when a client has been chosen for the request, before `onRequestStart` */
  onTracker (tracker: ConnectionTracker): void
}

/** The current connection of one client. */
export class ConnectionTracker {
  #socket: Socket | null = null
  #bytesAtStart = 0

  /**
   * Replaces the connection. Bytes that were read before, such as the answer to CONNECT, do not count as a response.
   */
  setConnection (socket: Socket): void {
    this.#socket = socket
    this.#bytesAtStart = socket.bytesRead
  }

  /** Records the state of the connection when a request is written to it. */
  beginAttempt (): RequestAttempt {
    return new RequestAttempt(this.#socket as Socket, this.#bytesAtStart)
  }
}

/** One attempt to send a request on a connection. */
export class RequestAttempt {
  readonly #socket: Socket
  readonly #bytesBefore: number
  /** whether the connection has carried a response before */
  readonly isReuse: boolean

  /** @param bytesAtStart how many bytes had been read when the connection was established */
  constructor (socket: Socket, bytesAtStart: number) {
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    this.isReuse = this.#bytesBefore > bytesAtStart
  }

  /** Whether any byte of a response has arrived, even of a partial status line. */
  get hasAnswer (): boolean { return this.#socket.bytesRead > this.#bytesBefore }
}

/**
 * A client of undici's pool that gives each request its {@link ConnectionTracker}. undici creates it by the pool's
 * option `factory`.
 */
export class TrackedClient extends Client {
  readonly #tracker: ConnectionTracker

  /** @param connect opens a connection to MAAS */
  constructor (origin: URL, options: Client.Options, connect: buildConnector.connector) {
    const tracker = new ConnectionTracker()
    super(origin, {
      ...options,
      connect: (target, done) => {
        connect(target, (...result) => {
          if (result[0] === null) tracker.setConnection(result[1])
          done(...result)
        })
      }
    })
    this.#tracker = tracker
  }

  override dispatch (
    options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler & Partial<TrackerAware>
  ): boolean {
    handler.onTracker?.(this.#tracker)
    return super.dispatch(options, handler)
  }
}
