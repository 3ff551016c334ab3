import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of each connection, what to do about the answers that are not over. */
const pending = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back once, when an answer is out or can no longer be given. node's own `close` does not come for an answer whose
 * turn on its connection never came, because the client had sent several requests and left.
 */
export function whenAnswerOver ({ socket }: IncomingMessage, response: ServerResponse, callback: () => void): void {
  const callbacks = pending.get(socket) ?? watch(socket)
  const over = () => { if (callbacks.delete(over)) callback() }
  callbacks.add(over)
  response.on('close', over)
}

/** How many answers on a connection are not over. */
export function pendingAnswers (socket: Socket): number {
  return pending.get(socket)?.size ?? 0
}

function watch (socket: Socket): Set<() => void> {
  const callbacks = new Set<() => void>()
  pending.set(socket, callbacks)
  socket.once('close', () => { for (const over of callbacks) over() })
  return callbacks
}
