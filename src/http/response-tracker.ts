import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A response that is not finished, and who wants to know when it is. */
interface PendingResponse {
  response: ServerResponse
  callbacks: Array<() => void>
}

/** Unfinished responses, per socket. An array: a churning Set keeps old tables alive until a major GC. */
const pending = new WeakMap<Socket, PendingResponse[]>()

/**
 * Calls back once, when a response is finished or can no longer be sent; at once if that is so already. Callbacks of one response are called
 * in the order of their registration. Node's own `close` does not come for a response whose turn on its connection never came, because
 * the client had sent several requests and left.
 */
export function onResponseFinished ({ socket }: IncomingMessage, response: ServerResponse, callback: () => void): void {
  const responses = pending.get(socket) ?? watch(socket)
  const known = responses.find(one => one.response === response)
  if (known !== undefined) {
    known.callbacks.push(callback)
  } else if (response.writableFinished || socket.destroyed) {
    callback()
  } else {
    const one = { response, callbacks: [callback] }
    responses.push(one)
    response.on('close', () => { finish(responses, one) })
  }
}

/** The number of unfinished responses on a connection. */
export function pendingResponses (socket: Socket): number {
  return pending.get(socket)?.length ?? 0
}

function watch (socket: Socket): PendingResponse[] {
  const responses: PendingResponse[] = []
  pending.set(socket, responses)
  socket.once('close', () => { for (const one of [...responses]) finish(responses, one) })
  return responses
}

function finish (responses: PendingResponse[], one: PendingResponse): void {
  const at = responses.indexOf(one)
  if (at < 0) return
  responses.splice(at, 1)
  for (const callback of one.callbacks) callback()
}
