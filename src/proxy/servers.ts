import type { FastifyInstance } from 'fastify'
import { announceClose, cutOff, drain, listen, openConnections, waitUntilIdle } from '../listen/listener.ts'
import { formatListenAddress, type ListenAddress } from '../listen/address.ts'
import type { SocketPermissions } from '../listen/unix-socket.ts'

/** A server that listens. */
interface ListeningServer {
  app: FastifyInstance
  /** `http://127.0.0.1:5241`, with the port that the system chose for port 0, `https://...` or `unix:PATH` */
  address: string
}

/** A group of servers that start one after another and stop together. */
export class Servers {
  readonly #listening: ListeningServer[] = []

  /** The servers that listen, in the order of their start. */
  get listening (): readonly ListeningServer[] { return this.#listening }

  get addresses (): string[] { return this.#listening.map(({ address }) => address) }

  /** The number of open client connections, for each address. */
  get connections (): Array<{ listener: string, count: number }> {
    return this.#listening.map(({ app, address }) => ({ listener: address, count: openConnections(app.server).size }))
  }

  /**
   * Makes a server listen.
   * @param permissions used for a unix socket only
   * @param isSecure whether clients reach it by https
   * @returns the address, with the port that the system chose for port 0
   * @throws the system's error
   */
  async start (
    app: FastifyInstance, listenAddress: ListenAddress, permissions: SocketPermissions, isSecure = false
  ): Promise<string> {
    await app.ready()
    const address = formatListenAddress(await listen(app.server, listenAddress, permissions), isSecure)
    this.#listening.push({ app, address })
    return address
  }

  /** Waits until no client has been connected to any server for a time; see {@link waitUntilIdle}. */
  async waitUntilIdle (idleMs: number): Promise<void> {
    await waitUntilIdle(this.#listening.map(({ app }) => app.server), idleMs)
  }

  /** Makes all later answers say that their connections end; see {@link announceClose}. */
  announceClose (): void {
    for (const { app } of this.#listening) announceClose(app.server)
  }

  /**
   * Stops listening, lets running requests end, and cuts off the rest at the deadline.
   * @returns whether all requests ended by themselves
   */
  async stop (deadlineMs: number): Promise<boolean> {
    const inTime = await Promise.all(this.#listening.map(async ({ app }) => await drain(app.server, deadlineMs)))
    await Promise.all(this.#listening.map(async ({ app }) => { await app.close() }))
    return !inTime.includes(false)
  }

  /** Cuts off all running requests. Its promise resolves after each has its log record. */
  async cutOff (): Promise<void> {
    await Promise.all(this.#listening.map(async ({ app }) => { await cutOff(app.server) }))
  }
}
