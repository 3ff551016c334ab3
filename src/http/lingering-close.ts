import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How long and how much a client may send after the answer. The times are nginx's (`lingering_time`). */
const LIMITS = {
  totalMs: 30_000,
  /** how long it may send nothing */
  silenceMs: 5000,
  /** more than any upload that a client sends without looking for an answer */
  maxBytes: 1024 ** 3
}

/**
 * Makes the connection of a request linger if it is closed before the whole body has arrived, as after an early answer
 * to a client of HTTP/1.0 or with `Connection: close`.
 */
export function lingerOnClose (request: IncomingMessage): void {
  const { socket } = request
  // Node's server calls this method after the last answer of a connection.
  socket.destroySoon = () => {
    Reflect.deleteProperty(socket, 'destroySoon')
    if (request.complete) socket.destroySoon()
    else linger(socket)
  }
}

/**
 * Closes a connection in two steps (RFC 9112 §9.6): no more is sent, and what the client still sends is read and
 * dropped, until it closes its side or a limit is reached. Closing at once would make the system reset the connection
 * when more arrives, and the client lose the answer.
 */
export function linger (socket: Socket, { totalMs, silenceMs, maxBytes } = LIMITS): void {
  socket.removeAllListeners('data') // Node's parser would find the next request in the rest
  socket.destroySoon = () => {}
  const end = () => { socket.destroy() }
  const total = setTimeout(end, totalMs)
  const silence = setTimeout(end, silenceMs)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBytes) end()
    else silence.refresh()
  })
  socket.on('error', end).once('end', end).once('close', () => {
    clearTimeout(total)
    clearTimeout(silence)
  })
  socket.end()
  socket.resume()
}
