import type { Server } from 'node:http'
import { type ConnectionLimit, limitConnections } from '../listen/connection-limit.ts'
import { logClientConnections } from '../observe/log/connection-log.ts'
import type { Logger } from '../observe/log/logger.ts'
import type { Traffic } from '../observe/metrics/traffic.ts'

interface ClientConnectionOptions {
  limit: ConnectionLimit
  /** counts the refused connections */
  traffic: Traffic
  logger: Logger
}

/** What to do about the limit of connections, by its cause. */
const TOO_MANY_CLIENTS: Readonly<Record<ConnectionLimit['cause'], string>> = {
  'open files': 'connections of clients were refused, because the limit of open files leaves no more; ' +
    'raise it (ulimit -n, LimitNOFILE=), or look for clients that keep connections open',
  memory: 'connections of clients were refused, because the limit of memory leaves no more; ' +
    'raise it (resources.limits.memory, MemoryMax=), or look for clients that keep connections open'
}

/**
 * Limits the connections of clients to a server, and logs and counts them.
 * @param listener the address of the server, for the log and the metrics
 */
export function observeClients (
  server: Server, listener: string, { limit, traffic: { refusedConnections }, logger }: ClientConnectionOptions
): void {
  logClientConnections(server, listener, logger)
  refusedConnections.set(listener, 0)
  const onRefused = () => { refusedConnections.set(listener, refusedConnections.get(listener) as number + 1) }
  limitConnections(server, limit.connections, onRefused, refused => {
    logger.warn({ listener, limit: limit.connections, refused }, TOO_MANY_CLIENTS[limit.cause])
  })
}
