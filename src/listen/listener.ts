import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { closeAfterLast, pendingResponses } from '../http/response-tracker.ts'
import type { ListenAddress } from './address.ts'
import { BACKLOG, listenOnSocket, type SocketPermissions } from './unix-socket.ts'

/** The interval at which a draining server closes idle connections. */
const IDLE_CHECK_MS = 100

const socketsByServer = new WeakMap<Server, Set<Socket>>()

/** Tracks the connections of a server. The other functions of this file need it. */
export function trackConnections (server: Server): void {
  socketsByServer.set(server, new Set())
  server.on('connection', (socket: Socket) => { trackConnection(server, socket) })
}

/** The event for a connection before its TLS handshake; `connection` follows after it. */
export const UNENCRYPTED = 'unencrypted'

/** Tracks a connection before its server emits `connection` for it. @returns a function that ends this */
export function trackConnection (server: Server, socket: Socket): () => void {
  const sockets = socketsByServer.get(server) as Set<Socket>
  const untrack = () => { sockets.delete(socket) }
  sockets.add(socket)
  socket.once('close', untrack)
  return untrack
}

/** The open connections of a server. */
export function openConnections (server: Server): ReadonlySet<Socket> {
  return socketsByServer.get(server) as Set<Socket>
}

/**
 * Makes a server listen. Fastify's own `listen` would log a text where operators need fields.
 * @param permissions used for a unix socket only
 * @returns the address, with the port that the system chose for port 0
 * @throws the system's error, such as EADDRINUSE
 */
export async function listen (
  server: Server, address: ListenAddress, permissions: SocketPermissions
): Promise<ListenAddress> {
  const listening = once(server, 'listening')
  if (address.fd !== undefined) {
    server.listen({ fd: address.fd }) // systemd owns the file of a socket that it passed
  } else if ('path' in address) {
    listening.catch(() => {}) // awaited below, but not if the next line throws
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
 * Waits until no server has had an open connection for a time. The caller then has to stop the servers in the same turn
 * of the event loop. No connection has been accepted in it, so none is lost: connections in the system's queue wait for
 * the next process, if it shares the sockets.
 * @param idleMs how long no connection may have been open
 */
export async function waitUntilIdle (servers: readonly Server[], idleMs: number): Promise<void> {
  await new Promise<void>(resolve => {
    let timer: NodeJS.Timeout | undefined
    const open = () => servers.flatMap(server => [...openConnections(server)])
    const check = () => {
      clearTimeout(timer)
      if (open().length === 0) timer = setTimeout(finish, idleMs)
    }
    const finish = () => {
      const connecting = open() // those whose TLS handshake is not finished
      if (connecting.length === 0) resolve()
      for (const socket of connecting) socket.once('close', check)
    }
    const follow = (socket: Socket) => {
      check()
      socket.once('close', check)
    }
    for (const server of servers) {
      server.on('connection', follow)
      for (const socket of openConnections(server)) follow(socket)
    }
    check()
  })
}

/**
 * Makes every answer that has not begun say that its connection ends, so that clients open another one for their next
 * request, elsewhere. The server serves on.
 */
export function announceClose (server: Server): void {
  for (const socket of openConnections(server)) closeAfterLast(socket)
  server.prependListener('request', ({ socket }, response) => { closeAfterLast(socket, response) })
}

/**
 * Stops listening, lets running requests end, and cuts off the rest at the deadline.
 * @returns whether all requests ended by themselves
 */
export async function drain (server: Server, deadlineMs: number): Promise<boolean> {
  let inTime = true
  // The server stays open as long as an idle connection does.
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
  await waitUntilClosed(server)
  return inTime
}

/** Cuts off all connections of a server. Its promise resolves after the observers of their requests were called. */
export async function cutOff (server: Server): Promise<void> {
  for (const socket of openConnections(server)) socket.destroy()
  await waitUntilClosed(server)
}

/** Waits for the sockets, which close after their server. Observers learn of a request when its socket closes. */
async function waitUntilClosed (server: Server): Promise<void> {
  await Promise.all([...openConnections(server)].map(async socket => {
    await new Promise(resolve => { socket.once('close', resolve) })
  }))
}

/** The connections without a pending response, the oldest first, with those that never sent a request. */
export function idleConnections (server: Server): Socket[] {
  return [...openConnections(server)].filter(socket => pendingResponses(socket) === 0)
}

/** Closes idle connections. Node's own method skips those that never sent a request. */
function closeIdleConnections (server: Server): void {
  for (const socket of idleConnections(server)) socket.destroySoon()
}
