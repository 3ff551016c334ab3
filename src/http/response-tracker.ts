import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isEncrypted } from './fields.ts'
import { linger } from './lingering-close.ts'

/** A response that is not finished. */
interface PendingResponse {
  response: ServerResponse
  callbacks: Array<() => void>
}

/** Unfinished responses, per socket. An array: a churning Set keeps old tables alive until a major GC. */
const responsesBySocket = new WeakMap<Socket, PendingResponse[]>()

/**
 * Calls back once, when a response is finished or can no longer be sent. Node's own `close` event is not enough: in
 * Node 22 it never comes for a response that waits behind another one on its connection when the client leaves.
 * @param request the request, which has the connection
 * @param response the response to it
 * @param callback called at once if the response is over already. Callbacks of one response are called in the order of
 *   their registration
 */
export function onResponseFinished (
  { socket }: IncomingMessage, response: ServerResponse, callback: () => void
): void {
  const responses = responsesBySocket.get(socket) ?? trackSocket(socket)
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
  return responsesBySocket.get(socket)?.length ?? 0
}

/** The unfinished responses of a connection, in the order of their requests. */
function unfinished (socket: Socket): ServerResponse[] {
  return (responsesBySocket.get(socket) ?? []).map(({ response }) => response)
}

/** The unfinished responses of a connection that are sent before the given one. */
export function earlierResponses (socket: Socket, response: ServerResponse): ServerResponse[] {
  const responses = unfinished(socket)
  return responses.slice(0, responses.indexOf(response))
}

/** Responses that say that the connection ends only because the server stops. */
const closing = new WeakSet<ServerResponse>()

/**
 * Makes the last answer of a connection say that the connection ends (RFC 9112 §9.6). An answer that has begun cannot.
 * @param last the last response; by default the last one that is not finished
 */
export function closeAfterLast (socket: Socket, last?: ServerResponse): void {
  const responses = unfinished(socket)
  last ??= responses.at(-1)
  for (const response of responses) {
    if (response !== last && !response.headersSent && closing.delete(response)) response.shouldKeepAlive = true
  }
  if (last === undefined || !last.shouldKeepAlive) return
  last.shouldKeepAlive = false
  closing.add(last)
}

/** Connections that end after a response that is finished. Node reads from them until they are closed. */
const ended = new WeakSet<Socket>()

/** Whether the last response of a connection can no longer be sent, as the connection ends after an earlier one. */
export function followsClose (socket: Socket): boolean {
  const responses = responsesBySocket.get(socket) as PendingResponse[]
  return ended.has(socket) || responses.some(({ response }, i) => !response.shouldKeepAlive && i < responses.length - 1)
}

/**
 * Ends a connection once all requests that have arrived whole are answered. Everything else that arrives is dropped
 * (RFC 9112 §9.6).
 */
export function endAfterAnswers (socket: Socket): void {
  const responses = unfinished(socket)
  const last = responses.findLast(({ req }) => req.complete)
  if (last === undefined) {
    const [begun] = responses
    if (begun === undefined) linger(socket)
    else cutOffResponse(begun.req, begun)
    return
  }
  closeAfterLast(socket, last)
  socket.removeAllListeners('data').on('data', () => {}) // Node's parser would read the rest as requests
  onResponseFinished(last.req, last, () => { linger(socket) })
}

/**
 * Closes a connection so that the client does not take the close for an orderly end: by a reset over TCP, without
 * close_notify over TLS. A unix socket has no such sign.
 */
export function breakOff (socket: Socket): void {
  if (socket.remoteAddress !== undefined && !isEncrypted(socket)) socket.resetAndDestroy()
  else socket.destroy()
}

/**
 * Cuts off a response, and closes its connection as soon as the responses before it are finished. Node's `destroy` does
 * not close it for a response that waits behind another one, whose client would wait forever. An HTTP/1.0 body may end
 * with the connection, so an orderly close would make it look complete.
 */
export function cutOffResponse ({ httpVersion, socket }: IncomingMessage, response: ServerResponse): void {
  if (httpVersion !== '1.1') {
    breakOff(socket)
    return
  }
  const responses = responsesBySocket.get(socket) as PendingResponse[]
  const before = responses[responses.findIndex(one => one.response === response) - 1]
  before?.callbacks.push(() => { socket.destroy() })
  response.destroy()
}

function trackSocket (socket: Socket): PendingResponse[] {
  const responses: PendingResponse[] = []
  responsesBySocket.set(socket, responses)
  socket.once('close', () => { for (const one of [...responses]) finish(responses, one) })
  return responses
}

function finish (responses: PendingResponse[], one: PendingResponse): void {
  const at = responses.indexOf(one)
  if (at < 0) return
  responses.splice(at, 1)
  if (!one.response.shouldKeepAlive) ended.add(one.response.req.socket)
  for (const callback of one.callbacks) callback()
}
