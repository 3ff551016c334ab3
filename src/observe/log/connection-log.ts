import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Pool } from 'undici'

/** Writes, at level debug, when connections to MAAS are opened and closed, and why. */
export function logUpstreamConnections (upstream: Pool, logger: Logger): void {
  const open = () => upstream.stats.connected
  upstream.on('connect', () => { logger.debug({ open: open() }, 'connected to MAAS') })
  upstream.on('disconnect', (_origin, _targets, { code }) => { logger.debug({ open: open(), code }, 'a connection to MAAS has ended') })
  upstream.on('connectionError', (_origin, _targets, { code }) => { logger.debug({ code }, 'could not connect to MAAS') })
}

/** Writes, at level debug, when clients come and go. */
export function logClientConnections (server: Server, listener: string, logger: Logger): void {
  server.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress === undefined ? undefined : `${socket.remoteAddress}:${socket.remotePort}`
    logger.debug({ listener, from }, 'a client has connected')
    socket.once('close', () => { logger.debug({ listener, from, bytesRead: socket.bytesRead, bytesWritten: socket.bytesWritten }, 'a client has gone') })
  })
}
