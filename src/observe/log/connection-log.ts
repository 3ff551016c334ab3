import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Pool } from 'undici'

/** Logs at level debug when connections to MAAS open and close, and the code of the reason. */
export function logUpstreamConnections (upstream: Pool, logger: Logger): void {
  const open = () => upstream.stats.connected
  upstream.on('connect', () => { logger.debug({ open: open() }, 'connected to MAAS') })
  upstream.on('disconnect', (_origin, _targets, { code }) => {
    logger.debug({ open: open(), code }, 'a connection to MAAS has ended')
  })
  upstream.on('connectionError', (_origin, _targets, { code }) => {
    logger.debug({ code }, 'could not connect to MAAS')
  })
}

/** Logs at level debug when clients connect and disconnect. */
export function logClientConnections (server: Server, listener: string, logger: Logger): void {
  server.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress === undefined ? undefined : `${socket.remoteAddress}:${socket.remotePort}`
    logger.debug({ listener, from }, 'a client has connected')
    socket.once('close', () => {
      const { bytesRead, bytesWritten } = socket
      logger.debug({ listener, from, bytesRead, bytesWritten }, 'a client has gone')
    })
  })
}
