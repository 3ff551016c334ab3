import type { ListenerFacts } from '../respond/facts.ts'

/** A proxy that listens on all its addresses. */
export interface RunningProxy {
  /** one a listener: `http://127.0.0.1:5241`, with the port that the system chose for port 0, or `unix:PATH` */
  addresses: string[]
  /** the separate address of the status pages; null if there is none */
  adminAddress: string | null
  /** Finds the facts about all listeners, for people. It waits at most a second for MAAS. */
  facts (): Promise<ListenerFacts[]>
  /** Reads the configuration, the API keys and the certificates again. */
  reload (): Promise<void>
  /**
   * Waits until no client has been connected for a time. The caller then has to call `stop` in the same turn of the
   * event loop.
   * @param idleMs how long no client may have been connected
   */
  waitUntilIdle (idleMs: number): Promise<void>
  /**
   * Stops the proxy: readiness fails at once, and every answer says that its connection ends; after the shutdown delay
   * new requests are refused, running ones may end within the drain timeout, and the connections to MAAS close.
   */
  stop (): Promise<void>
  /** Cuts off the running requests that `stop` waits for. */
  cutOff (): Promise<void>
}
