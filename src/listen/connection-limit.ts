import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'

/** Descriptors that clients must leave: for the connections to MAAS, for files, and for probes. */
const RESERVED = 320

/** Shortest time between two calls about refused connections. */
const REPORT_INTERVAL_MS = 60_000

/**
 * Reads how many files this process may have open (getrlimit(2)). Node itself raises the soft limit to the hard one.
 * @param path the table of limits of this process (proc(5))
 * @returns Infinity if the system does not say
 */
export function maxOpenFiles (path = '/proc/self/limits'): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync(path, 'latin1')) ?? []
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    return Infinity
  }
}

/** The number of connections that each of some listeners may have, so that descriptors are left for MAAS. */
export function connectionLimit (openFiles: number, listeners: number): number {
  return Math.max(1, Math.floor((openFiles - Math.min(RESERVED, openFiles / 2)) / listeners))
}

/**
 * Refuses connections beyond a limit. Without it the system has no descriptor left when MAAS is to be asked, and drops
 * connections that nobody counts.
 * @param onRefused called for each refused connection
 * @param report called with the number of refused connections since the last call, at most once a minute
 */
export function limitConnections (
  server: Server, limit: number, onRefused: () => void, report: (refused: number) => void
): void {
  if (limit !== Infinity) server.maxConnections = limit
  let refused = 0
  let reportedAt = -Infinity
  server.on('drop', () => {
    onRefused()
    refused++
    if (performance.now() - reportedAt < REPORT_INTERVAL_MS) return
    report(refused)
    refused = 0
    reportedAt = performance.now()
  })
}
