import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { pendingResponses } from '../http/response-tracker.ts'
import type { ListenAddress } from './address.ts'
import { BACKLOG, listenOnSocket, type SocketPermissions } from './unix-socket.ts'

/** How often connections that have become idle are looked for while a server drains. */
const IDLE_CHECK_MS = 100

const connections = new WeakMap<Server, Set<Socket>>()

/** Keeps account of the connections of a server, for {@link drain}. */
export function trackConnections (server: Server): void {
  const open = new Set<Socket>()
  connections.set(server, open)
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
}

/** The connections of a server that are open. */
export function openConnections (server: Server): ReadonlySet<Socket> {
  return connections.get(server) as Set<Socket>
}

/**
 * Makes a server listen. Not Fastify's own `listen`, which logs a text where operators want fields.
 * @returns the address, with the port that the system gave where 0 was asked for
 * @throws the system's error, EADDRINUSE for one
 */
export async function listen (server: Server, address: ListenAddress, permissions: SocketPermissions): Promise<ListenAddress> {
  const listening = once(server, 'listening')
  if (address.fd !== undefined) {
    server.listen({ fd: address.fd }) // its file, if it has one, is not ours to make, to give a mode or to remove
  } else if ('path' in address) {
    listening.catch(() => {}) // it is awaited below, unless the socket cannot be made at all
    await listenOnSocket(server, address.path, permissions)
  } else {
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG })
  }
  await listening
  if ('path' in address) return address
  const { address: host, port } = server.address() as AddressInfo
  return { host, port }
}

/**
 * Waits until no server has had an open connection for so long. Whoever then stops them must do so at once, before the event
 * loop turns: no connection has been accepted, so none is lost, and those that wait in the system's queue stay there for the
 * next process, if the sockets are shared with the one that starts it.
 */
export async function waitUntilIdle (servers: readonly Server[], idleMs: number): Promise<void> {
  await new Promise<void>(resolve => {
    let timer: NodeJS.Timeout | undefined
    const look = () => {
      clearTimeout(timer)
      if (servers.every(server => openConnections(server).size === 0)) timer = setTimeout(resolve, idleMs)
    }
    const follow = (socket: Socket) => {
      look()
      socket.once('close', look)
    }
    for (const server of servers) {
      server.on('connection', follow)
      for (const socket of openConnections(server)) follow(socket)
    }
    look()
  })
}

/**
 * Stops listening, lets the requests that run end, and cuts off those that still do at the deadline.
 * @returns whether all of them ended by themselves
 */
export async function drain (server: Server, deadlineMs: number): Promise<boolean> {
  let inTime = true
  // A connection that is kept alive, or has not asked for anything yet, would hold the server open.
  const idleCheck = setInterval(() => { closeIdleConnections(server) }, IDLE_CHECK_MS)
  const deadline = setTimeout(() => {
    inTime = false
    void cutOff(server)
  }, deadlineMs)
  const closed = once(server, 'close')
  server.close()
  closeIdleConnections(server)
  await closed
  clearInterval(idleCheck)
  clearTimeout(deadline)
  await allClosed(server)
  return inTime
}

/** Cuts off all connections of a server. When that is over, whoever looks after their requests has been told that they are. */
export async function cutOff (server: Server): Promise<void> {
  for (const socket of openConnections(server)) socket.destroy()
  await allClosed(server)
}

/** A server is closed before its last sockets are, and only they tell of their requests. */
async function allClosed (server: Server): Promise<void> {
  await Promise.all([...openConnections(server)].map(async socket => { await new Promise(resolve => { socket.once('close', resolve) }) }))
}

/** Not node's own, which leaves connections alone that have never sent a request. */
function closeIdleConnections (server: Server): void {
  for (const socket of openConnections(server)) if (pendingResponses(socket) === 0) socket.destroySoon()
}
