import {
  // eslint-disable-next-line n/no-deprecated-api -- macOS has lchmod, and nothing else to set the mode of a link by
  chmodSync, closeSync, constants, fstatSync, lchmodSync, lchownSync, lstatSync, openSync, statSync, unlinkSync
} from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'

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
 * Makes a server listen on a unix socket, and replaces a socket that no process listens on. The file is created with
 * its mode, so nobody who may write in the directory can put another file in its place meanwhile. If it gets a group,
 * it is created for its owner alone and gets group and mode afterwards. So its permissions never exceed the configured
 * ones.
 * @param path where to create the socket
 * @throws Error if its directory is missing, or the path is in use: by another kind of file, or by a process that
 *   listens
 */
export async function listenOnSocket (
  server: Server, path: string, { mode, group }: SocketPermissions
): Promise<void> {
  checkDirectory(dirname(path))
  await removeStaleSocket(path)
  const umask = process.umask(0o777 & ~(group === null ? mode : OWNER_ONLY & mode))
  try {
    server.listen({ path, backlog: BACKLOG }) // binds synchronously
  } finally {
    process.umask(umask)
  }
  if (!server.listening || group === null) return // if binding failed, an `error` event follows
  lchownSync(path, -1, group)
  setMode(path, mode)
}

/** `O_PATH` of open(2), which Node has no name for: a descriptor that only stands for a file. */
const O_PATH = 0o10000000

/** Sets the mode of a socket, and of nothing that a link in its place leads to. Linux has no lchmod. */
const setMode = lchmodSync ?? function setModeOfSocket (path: string, mode: number): void {
  const file = openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    if (!fstatSync(file).isSocket()) {
      throw new Error(`${path} is no longer the socket that was created; listen elsewhere`)
    }
    chmodSync(`/proc/self/fd/${file}`, mode)
  } finally {
    closeSync(file)
  }
}

/** Checks the directory of a socket, because the system says EACCES whatever is wrong with it. */
function checkDirectory (path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new Error(`the directory ${path} of the socket does not exist; mkdir -p ${path}`)
  if (!stats.isDirectory()) throw new Error(`${path} is not a directory, so no socket can be in it; listen elsewhere`)
}

async function removeStaleSocket (path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error(`${path} exists and is not a socket; remove it, or listen elsewhere`)
  if (await isListening(path)) throw new Error(`another process listens on ${path}; stop it, or listen elsewhere`)
  unlinkSync(path)
}

/** Whether a process listens on a socket. It answers yes where that cannot be found out. */
export async function isListening (path: string): Promise<boolean> {
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
