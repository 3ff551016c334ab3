import { type buildConnector, Client, type Dispatcher } from 'undici'
import { ConnectionTracker } from './connection-tracker.ts'
import type { ConnectionWatch } from './connection-watch.ts'

/** A handler that needs the connection its request was written to, which undici does not expose. */
export interface TrackerAware {
  /** called when a client has been chosen for the request, before `onRequestStart` */
  onTracker (tracker: ConnectionTracker): void
}

/**
 * A client of undici's pool that gives each request its {@link ConnectionTracker}. undici creates it by the pool's
 * option `factory`.
 */
export class TrackedClient extends Client {
  readonly #tracker: ConnectionTracker
  readonly #watch: ConnectionWatch

  /** @param connector the function that opens connections to MAAS; it may change */
  constructor (
    origin: URL, options: Client.Options, connector: () => buildConnector.connector, watch: ConnectionWatch
  ) {
    const tracker = new ConnectionTracker(watch)
    super(origin, {
      ...options,
      connect: (target, done) => {
        const connect = connector()
        connect(target, (...result) => {
          if (result[0] === null) tracker.setConnection(result[1])
          if (connect !== connector()) tracker.doubt()
          done(...result)
        })
      }
    })
    this.#tracker = tracker
    this.#watch = watch
  }

  override dispatch (
    options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler & Partial<TrackerAware>
  ): boolean {
    this.#watch.lookAtClock()
    handler.onTracker?.(this.#tracker)
    this.#tracker.prepare()
    return super.dispatch(options, handler)
  }
}
