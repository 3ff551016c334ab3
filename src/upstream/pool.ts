import { type buildConnector, type Client, Pool } from 'undici'
import { ConnectionWatch } from './connection-watch.ts'
import { type ConnectorOptions, ReplaceableConnector, type TlsMaterial } from './connector.ts'
import { TrackedClient } from './tracked-client.ts'
import { Wire } from './wire.ts'

interface PoolOptions extends ConnectorOptions {
  /** for the head of a response, and then between any two parts of its body */
  responseTimeoutMs: number
}

/** MAAS's nginx closes an idle connection after 65 s. The proxy closes first, so requests rarely meet a closing one. */
const KEEP_ALIVE_MS = 50_000

/** More than a region works on at once (four requests a worker), and less than the usual limit of open files. */
export const MAX_CONNECTIONS = 256

/** The time limit of a probe's connection, so that a probe says whether connecting or answering takes too long. */
const PROBE_CONNECT_TIMEOUT_MS = 2500

/** The connection pool for probes. It closes a connection after its answer: a probe says whether a new one works. */
export class ProbePool extends Pool {
  readonly #connector: ReplaceableConnector

  /** @param origin scheme, host and port of MAAS */
  constructor (origin: string, options: ConnectorOptions) {
    const connectTimeoutMs = Math.min(options.connectTimeoutMs, PROBE_CONNECT_TIMEOUT_MS)
    const connector = new ReplaceableConnector(origin, { ...options, connectTimeoutMs })
    const connect: buildConnector.connector = (target, done) => {
      connector.current(target, (...result) => {
        if (result[0] === null) new Wire(result[1]).expectAnswer()
        done(...result)
      })
    }
    super(origin, { connect, allowH2: false, pipelining: 0 })
    this.#connector = connector
  }

  /** Replaces the certificates and the key, like {@link MaasPool.setTls}. */
  setTls (material: TlsMaterial): void {
    this.#connector.setTls(material)
  }
}

/** Maximum size of the head of an answer, in bytes: as much as a client may send. */
const MAX_HEAD_BYTES = 64 * 1024

/** The connection pool for MAAS. Connections are reused; each carries one request at a time. */
export class MaasPool extends Pool {
  readonly #connector: ReplaceableConnector
  readonly #watch: ConnectionWatch

  /** @param origin scheme, host and port of MAAS */
  constructor (origin: string, options: PoolOptions) {
    const watch = new ConnectionWatch()
    const connector = new ReplaceableConnector(origin, options)
    super(origin, {
      factory: (url, clientOptions) => (
        new TrackedClient(url, clientOptions as Client.Options, () => connector.current, watch)
      ),
      headersTimeout: options.responseTimeoutMs,
      bodyTimeout: options.responseTimeoutMs,
      maxHeaderSize: MAX_HEAD_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connections: MAX_CONNECTIONS,
      allowH2: false,
      pipelining: 1
    })
    this.#connector = connector
    this.#watch = watch
  }

  /**
   * Replaces the certificates and the key for requests from now on, which go on new connections.
   * @throws Error of OpenSSL about a certificate or key that it does not accept; the pool is then as before
   */
  setTls (material: TlsMaterial): void {
    this.#connector.setTls(material)
    this.#watch.doubtAll()
  }
}
