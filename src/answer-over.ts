import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Of each connection, what to do about the answers that are not over. Arrays, because a Set that is added to and deleted from makes itself
 * new tables all the time, and the old ones keep the new, and all that was in them, alive until V8 collects the whole heap.
 */
const pending = new WeakMap<Socket, Array<() => void>>()

/**
 * Calls back once, when an answer is out or can no longer be given. node's own `close` does not come for an answer whose
 * turn on its connection never came, because the client had sent several requests and left.
 */
export function whenAnswerOver ({ socket }: IncomingMessage, response: ServerResponse, callback: () => void): void {
  const callbacks = pending.get(socket) ?? watch(socket)
  const over = () => {
    const at = callbacks.indexOf(over)
    if (at >= 0) {
      callbacks.splice(at, 1)
      callback()
    }
  }
  callbacks.push(over)
  response.on('close', over)
}

/** How many answers on a connection are not over. */
export function pendingAnswers (socket: Socket): number {
  return pending.get(socket)?.length ?? 0
}

function watch (socket: Socket): Array<() => void> {
  const callbacks: Array<() => void> = []
  pending.set(socket, callbacks)
  socket.once('close', () => { for (const over of [...callbacks]) over() })
  return callbacks
}
