import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatListenAddress, type ListenAddress } from './settings/values.ts'

/** How often connections that have become idle are looked for while a server drains. */
const IDLE_CHECK_MS = 100

/**
 * Makes a server listen. Not Fastify's own `listen`, which logs a text where operators want fields.
 * @returns the address as a URL, with the port that the system gave where 0 was asked for
 * @throws the system's error, EADDRINUSE for one
 */
export async function listen (server: Server, { host, port }: ListenAddress): Promise<string> {
  server.listen({ host, port })
  await once(server, 'listening')
  const { address, port: bound } = server.address() as AddressInfo
  return formatListenAddress({ host: address, port: bound })
}

/**
 * Stops listening, lets the requests that run end, and cuts off those that still do at the deadline.
 * @returns whether all of them ended by themselves
 */
export async function drain (server: Server, deadlineMs: number): Promise<boolean> {
  let inTime = true
  // A connection that is kept alive would hold the server open after its last answer.
  const idleCheck = setInterval(() => { server.closeIdleConnections() }, IDLE_CHECK_MS)
  const deadline = setTimeout(() => {
    inTime = false
    server.closeAllConnections()
  }, deadlineMs)
  const closed = once(server, 'close')
  server.close()
  await closed
  clearInterval(idleCheck)
  clearTimeout(deadline)
  return inTime
}
