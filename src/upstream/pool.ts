import { type buildConnector, type Client, Pool } from 'undici'
import { ConnectionWatch } from './connection-watch.ts'
import { type ConnectorOptions, createConnector, type TlsMaterial } from './connector.ts'
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
  readonly #origin: string
  readonly #options: PoolOptions
  /** the function that opens connections, which changes with the certificates */
  readonly #current: { connector: buildConnector.connector }

  /** @param origin scheme, host and port of MAAS */
  constructor (origin: string, { ...options }: PoolOptions) {
    options.connectTimeoutMs = Math.min(options.connectTimeoutMs, PROBE_CONNECT_TIMEOUT_MS)
    const current = { connector: createConnector(origin, options) }
    const connect: buildConnector.connector = (target, done) => {
      current.connector(target, (...result) => {
        if (result[0] === null) new Wire(result[1]).expectAnswer()
        done(...result)
      })
    }
    super(origin, { connect, allowH2: false, pipelining: 0 })
    this.#origin = origin
    this.#options = options
    this.#current = current
  }

  /** Replaces the certificates and the key, like {@link MaasPool.setTls}. */
  setTls (material: TlsMaterial): void {
    this.#current.connector = createConnector(this.#origin, { ...this.#options, ...material })
  }
}

/** Maximum size of the head of an answer, in bytes: as much as a client may send. */
const MAX_HEAD_BYTES = 64 * 1024

/** The connection pool for MAAS. Connections are reused; each carries one request at a time. */
export class MaasPool extends Pool {
  readonly #origin: string
  readonly #options: PoolOptions
  readonly #watch: ConnectionWatch
  /** the function that opens connections, which changes with the certificates */
  readonly #current: { connector: buildConnector.connector }

  /** @param origin scheme, host and port of MAAS */
  constructor (origin: string, options: PoolOptions) {
    const watch = new ConnectionWatch()
    const current = { connector: createConnector(origin, options) }
    super(origin, {
      factory: (url, clientOptions) => (
        new TrackedClient(url, clientOptions as Client.Options, () => current.connector, watch)
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
    this.#origin = origin
    this.#options = options
    this.#watch = watch
    this.#current = current
  }

  /**
   * Replaces the certificates and the key for requests from now on, which go on new connections.
   * @throws Error of OpenSSL about a certificate or key that it does not accept; the pool is then as before
   */
  setTls (material: TlsMaterial): void {
    this.#current.connector = createConnector(this.#origin, { ...this.#options, ...material })
    this.#watch.doubtAll()
  }
}
