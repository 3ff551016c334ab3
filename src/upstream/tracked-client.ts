import type { Socket } from 'node:net'
import { type buildConnector, Client, type Dispatcher } from 'undici'

/** A handler that wants to know the line of its request, which undici does not tell it. */
export interface TrackerAware {
  /** called when the request has been given a line, before `onRequestStart` */
  onTracker (line: ConnectionTracker): void
}

/** Where requests run one at a time: one connection after another. */
export class ConnectionTracker {
  #socket: Socket | null = null
  #bytesAtStart = 0

  /** Takes a new connection. What was read on it so far, as when a tunnel was opened, is no answer. */
  connected (socket: Socket): void {
    this.#socket = socket
    this.#bytesAtStart = socket.bytesRead
  }

  /** Marks the moment at which a request is put on the connection. */
  beginAttempt (): RequestAttempt {
    return new RequestAttempt(this.#socket as Socket, this.#bytesAtStart)
  }
}

/** What became of a connection since a request was put on it. */
export class RequestAttempt {
  readonly #socket: Socket
  readonly #bytesBefore: number
  /** whether an earlier request was answered on it */
  readonly isReuse: boolean

  constructor (socket: Socket, bytesAtStart: number) {
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    this.isReuse = this.#bytesBefore > bytesAtStart
  }

  /** Whether any byte of an answer has come, be it half a status line. */
  get hasAnswer (): boolean { return this.#socket.bytesRead > this.#bytesBefore }
}

/**
 * A client of undici's pool that tells each request its line. undici makes it by the pool's option `factory`, with the pool's own
 * `connect`.
 */
export class TrackedClient extends Client {
  readonly #line: ConnectionTracker

  constructor (origin: URL, options: Client.Options, connect: buildConnector.connector) {
    const line = new ConnectionTracker()
    super(origin, {
      ...options,
      connect: (target, done) => {
        connect(target, (...result) => {
          if (result[0] === null) line.connected(result[1])
          done(...result)
        })
      }
    })
    this.#line = line
  }

  override dispatch (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler & Partial<TrackerAware>): boolean {
    handler.onTracker?.(this.#line)
    return super.dispatch(options, handler)
  }
}
