import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, dirname } from 'node:path'
import { isListening, listenOnSocket } from '../listen/unix-socket.ts'

/** Longest path of a unix socket that every system takes (`sun_path` has 104 bytes on macOS). */
const MAX_SOCKET_PATH = 103

/**
 * Locks a file for this process: listens on a unix socket beside it. The kernel ends the lock with the process, however
 * that ends, and what is left of it is replaced.
 * @param path absolute
 * @returns a function that unlocks the file
 * @throws Error if another process has locked it, or no socket can be made there
 */
export async function lockFile (path: string): Promise<() => void> {
  const { socket, close } = socketBeside(path)
  try {
    if (existsSync(socket) && await isListening(socket)) {
      throw new Error('another process records in it; name another file')
    }
    const server = createServer(connection => { connection.destroy() })
    const listening = once(server, 'listening')
    listening.catch(() => {}) // awaited below, but not if the next line throws
    await listenOnSocket(server, socket, { mode: 0o600, group: null })
    await listening
    server.unref()
    return () => { server.close(close) }
  } catch (error) {
    close()
    throw error
  }
}

/**
 * Returns the path of the socket. Its length is limited (unix(7)), so a longer path goes through a descriptor of the
 * directory, which has to stay open as long as the socket.
 * @throws Error if the name alone is too long, of which some systems would take a part
 */
function socketBeside (path: string): { socket: string, close: () => void } {
  const socket = `${path}.lock`
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH) return { socket, close: () => {} }
  const directory = openSync(dirname(path), 'r')
  const close = () => { closeSync(directory) }
  const short = `/proc/self/fd/${directory}/${basename(socket)}`
  if (Buffer.byteLength(short) <= MAX_SOCKET_PATH) return { socket: short, close }
  close()
  throw new Error('its name is too long for a lock beside it; name another file')
}
