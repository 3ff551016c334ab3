import type { FastifyInstance } from 'fastify'
import { cutOff, drain, listen, openConnections, waitUntilIdle } from '../listen/listener.ts'
import { formatListenAddress, type ListenAddress } from '../listen/address.ts'
import type { SocketPermissions } from '../listen/unix-socket.ts'

/** A server that listens. */
export interface ListeningServer {
  app: FastifyInstance
  /** `http://127.0.0.1:5241`, with the port that the system gave where 0 was asked for, or `unix:PATH` */
  address: string
}

/** Servers that are started one after another and end together. */
export class Servers {
  readonly #listening: ListeningServer[] = []

  /** Those that listen, in the order in which they were started. */
  get listening (): readonly ListeningServer[] { return this.#listening }

  get addresses (): string[] { return this.#listening.map(({ address }) => address) }

  /** How many connections clients have open, by address. */
  get connections (): Array<{ listener: string, count: number }> {
    return this.#listening.map(({ app, address }) => ({ listener: address, count: openConnections(app.server).size }))
  }

  /**
   * Makes a server listen.
   * @returns where
   * @throws the system's error
   */
  async start (app: FastifyInstance, where: ListenAddress, permissions: SocketPermissions): Promise<string> {
    await app.ready()
    const address = formatListenAddress(await listen(app.server, where, permissions))
    this.#listening.push({ app, address })
    return address
  }

  /** Resolves when no client was connected to any of them for so long; {@link waitUntilIdle} says what has to be done then. */
  async waitUntilIdle (idleMs: number): Promise<void> {
    await waitUntilIdle(this.#listening.map(({ app }) => app.server), idleMs)
  }

  /**
   * Lets the requests that run end, and cuts off those that still do at the deadline.
   * @returns whether all of them ended by themselves
   */
  async stop (deadlineMs: number): Promise<boolean> {
    const inTime = await Promise.all(this.#listening.map(async ({ app }) => await drain(app.server, deadlineMs)))
    await Promise.all(this.#listening.map(async ({ app }) => { await app.close() }))
    return !inTime.includes(false)
  }

  /** Cuts off the requests that run now; when that is over, each has its record. */
  async cutOff (): Promise<void> {
    await Promise.all(this.#listening.map(async ({ app }) => { await cutOff(app.server) }))
  }
}
