import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'

/** Who may use a unix socket: connecting takes write permission (unix(7)). */
export interface SocketPermissions {
  mode: number
  /** null leaves the group that the system gives */
  group: number | null
}

const OWNER_ONLY = 0o600

/** How many clients may wait to be let in, so far as the system allows (net.core.somaxconn): node's own 511 are few when thousands come back at once. */
export const BACKLOG = 4096

/**
 * Makes a server listen on a unix socket. Its file is made for the owner alone and only then given its group and mode, so
 * that it is never wider than asked. What a dead process left is replaced.
 * @throws Error if something else is there, or a process that still listens
 */
export async function listenOnSocket (server: Server, path: string, { mode, group }: SocketPermissions): Promise<void> {
  await removeStaleSocket(path)
  const umask = process.umask(0o777 & ~(OWNER_ONLY & mode))
  try {
    server.listen({ path, backlog: BACKLOG }) // binds in this very call
  } finally {
    process.umask(umask)
  }
  if (!server.listening) return // it failed, and says so in an event
  if (group !== null) chownSync(path, -1, group)
  chmodSync(path, mode)
}

async function removeStaleSocket (path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error(`${path} is there and is no socket, so it is left alone; remove it, or listen elsewhere`)
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
    // Only a refusal is proof that nobody listens; whoever may not ask does not know.
    socket.once('error', error => { answer((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') })
  })
}
