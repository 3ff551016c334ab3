import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { idleConnections, openConnections, UNENCRYPTED } from './listener.ts'

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

/** The memory of a proxy without clients under load, in bytes. */
const OWN_MEMORY = 96 * 1024 ** 2

/** The memory that an idle client costs, in bytes: 29 to 38 KiB with 2,500 and 5,000 of them (2026-11, Node 24). */
const CLIENT_MEMORY = 32 * 1024

/** What TLS adds to that: 44 KiB a client with 1,200 of them (2026-11, Node 24). */
const TLS_MEMORY = 48 * 1024

/** The number of clients for which there has to be memory. */
const MIN_CLIENTS = 64

/** How many connections of clients a listener may have. */
export interface ConnectionLimit {
  connections: number
  /** what has set it, for people */
  cause: 'memory' | 'open files'
}

/**
 * Finds the number of connections that each of some listeners may have, so that descriptors are left for MAAS, and the
 * system does not kill the process for its memory.
 * @param openFiles how many files the process may have open
 * @param memory how much memory it may use, in bytes: the limit of its cgroup; 0 if there is none
 * @param isSecure whether any of the listeners has TLS
 */
export function connectionLimit (
  openFiles: number, memory: number, listeners: number, isSecure: boolean
): ConnectionLimit {
  const byFiles = Math.max(1, Math.floor((openFiles - Math.min(RESERVED, openFiles / 2)) / listeners))
  const clients = Math.max(MIN_CLIENTS, (memory - OWN_MEMORY) / (CLIENT_MEMORY + (isSecure ? TLS_MEMORY : 0)))
  const byMemory = memory === 0 ? Infinity : Math.floor(clients / listeners)
  return byMemory < byFiles
    ? { connections: byMemory, cause: 'memory' }
    : { connections: byFiles, cause: 'open files' }
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
  if (limit !== Infinity) {
    server.maxConnections = limit
    closeIdle(server, limit)
  }
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

/** How long a client has to be idle before its connection makes room for another. */
const IDLE_MS = 1000

/** The part of the limit beyond which idle clients are disconnected, until the number is down to it again. */
const CROWDED = 3 / 4

/**
 * Closes connections that are idle when there are nearly too many, the oldest first, as nginx does: a crowd of idle
 * clients must not keep others out. HTTP lets a server close an idle connection at any time (RFC 9112 §9.5).
 */
function closeIdle (server: Server, limit: number): void {
  const enough = Math.floor(limit * CROWDED)
  let timer: NodeJS.Timeout | undefined
  let bytesBefore = new Map<Socket, number>()
  const check = () => {
    const { size } = openConnections(server)
    const idle = idleConnections(server)
    const rested = idle.filter(socket => bytesBefore.get(socket) === socket.bytesRead)
    for (const socket of rested.slice(0, Math.max(0, size - enough))) socket.destroySoon()
    bytesBefore = new Map(idle.map(socket => [socket, socket.bytesRead]))
    if (size > enough) return
    clearInterval(timer)
    timer = undefined
  }
  const start = () => {
    if (openConnections(server).size > enough) timer ??= setInterval(check, IDLE_MS).unref()
  }
  server.on('connection', start).on(UNENCRYPTED, start)
}
