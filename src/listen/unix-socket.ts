import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'

/** Access to a unix socket. Connecting needs write permission (unix(7)). */
export interface SocketPermissions {
  mode: number
  /** a group id; null keeps the group that the system assigns */
  group: number | null
}

const OWNER_ONLY = 0o600

/**
 * The length of the accept queue; the system may shorten it (net.core.somaxconn). Node's default of 511 is too short
 * for thousands of clients that reconnect at once.
 */
export const BACKLOG = 4096

/**
 * Makes a server listen on a unix socket, and replaces a socket that no process listens on. The file is created for its
 * owner alone and gets its group and mode afterwards, so its permissions never exceed the configured ones.
 * @param path where to create the socket
 * @throws Error if the path is in use: by another kind of file, or by a process that listens
 */
export async function listenOnSocket (
  server: Server, path: string, { mode, group }: SocketPermissions
): Promise<void> {
  await removeStaleSocket(path)
  const umask = process.umask(0o777 & ~(OWNER_ONLY & mode))
  try {
    server.listen({ path, backlog: BACKLOG }) // binds synchronously
  } finally {
    process.umask(umask)
  }
  if (!server.listening) return // binding failed, and an `error` event follows
  if (group !== null) chownSync(path, -1, group)
  chmodSync(path, mode)
}

async function removeStaleSocket (path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error(`${path} exists and is not a socket; remove it, or listen elsewhere`)
  if (await isListening(path)) throw new Error(`another process listens on ${path}; stop it, or listen elsewhere`)
  unlinkSync(path)
}

async function isListening (path: string): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(path)
    const answer = (listening: boolean) => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => { answer(true) })
    // Only ECONNREFUSED proves that no process listens. Others, such as EACCES, prove nothing.
    socket.once('error', error => { answer((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') })
  })
}
