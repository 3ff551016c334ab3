import type { Socket } from 'node:net'

/** The methods that Node's parser knows and MAAS answers like any other that it does not have. */
const METHODS_OF_NODE = /^(?:GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|TRACE|CONNECT) /

/** A request line with a method that nginx takes: capitals, hyphens and underscores. */
const REQUEST_LINE = /^([A-Z_-]{1,30})( \S+ HTTP\/1\.\d\r\n)/

/** A method that Node's parser knows, in place of one that it does not. */
const SUBSTITUTE = 'PROPFIND'

/** The field with the method that was sent. */
export const SENT_METHOD = 'stand-in-sent-method'

/**
 * Passes a connection on to a server of Node. Its parser refuses methods that it does not know, and nginx does not, so
 * such a method of the first request is replaced, and a field says which it was.
 * @param serve takes the connection
 */
export function acceptAnyMethod (socket: Socket, serve: (socket: Socket) => void): void {
  socket.on('error', () => {})
  socket.once('data', (start: Buffer) => {
    const text = start.toString('latin1')
    const isKnown = METHODS_OF_NODE.test(text)
    const changed = isKnown ? text : text.replace(REQUEST_LINE, `${SUBSTITUTE}$2${SENT_METHOD}: $1\r\n`)
    socket.pause()
    socket.unshift(Buffer.from(changed, 'latin1'))
    serve(socket)
    socket.resume()
  })
}
