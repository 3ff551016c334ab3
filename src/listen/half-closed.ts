import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { pendingResponses } from '../http/response-tracker.ts'

/** The TCP sockets of this network namespace (proc_net(5)). */
const SOCKET_TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** How often it is checked whether half-closed clients are still there. */
const CHECK_MS = 300

/**
 * Lets clients close their sending half and still get their answers (RFC 9112 §9.6), as `nc -N` and some old libraries
 * do. A client that closes the whole connection looks the same until something is sent to it. Where the system tells
 * the two apart, the connection of one that has gone is closed, which ends its requests to MAAS. Where the system has
 * no table of sockets, Node's default stays: whoever closes a half is taken for gone.
 */
export function allowHalfClosed (server: Server, tables: readonly string[] = SOCKET_TABLES): void {
  const existing = tables.filter(path => existsSync(path)) // no tcp6 without IPv6
  if (existing.length === 0) return
  Object.assign(server, { httpAllowHalfOpen: true }) // an option of Node's server that its types lack
  const halfClosed = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined
  const check = () => {
    const clients = [...halfClosed].filter(({ remoteAddress }) => remoteAddress !== undefined)
    const gone = clients.length === 0 ? () => false : findGone(existing)
    for (const socket of halfClosed) {
      if (socket.remoteAddress === undefined) socket.write('') // on a unix socket this fails if the client has gone
      else if (gone(socket)) socket.destroy()
    }
  }
  server.on('connection', (socket: Socket) => {
    socket.once('end', () => {
      if (pendingResponses(socket) === 0) return
      halfClosed.add(socket)
      timer ??= setInterval(check, CHECK_MS)
      socket.once('close', () => {
        halfClosed.delete(socket)
        if (halfClosed.size > 0) return
        clearInterval(timer)
        timer = undefined
      })
    })
  })
}

/**
 * Reads the tables of sockets.
 * @returns a function that says whether a client has gone. It is false for a client on another machine or in another
 *   network namespace, and for every client while the tables cannot be read, as without a free descriptor
 */
function findGone (tables: readonly string[]): (socket: Socket) => boolean {
  const alive = new Set<string>()
  let texts: string[]
  try {
    texts = tables.map(table => readFileSync(table, 'latin1'))
  } catch {
    return () => false
  }
  for (const text of texts) {
    for (const row of text.split('\n').slice(1, -1)) {
      const [, local = '', remote = '', , , , , , , inode] = row.trim().split(/\s+/)
      if (inode !== '0') alive.add(`${portOf(local)} ${portOf(remote)}`) // a socket without an inode has no process
    }
  }
  return ({ remoteAddress, remotePort, localAddress, localPort }) => {
    const isHere = remoteAddress === localAddress || /^(?:::ffff:)?127\.|^::1$/.test(String(remoteAddress))
    return isHere && !alive.has(`${remotePort} ${localPort}`)
  }
}

/** The port of an address of the table, `0100007F:1479`. */
function portOf (address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
}
