import type { IncomingMessage, ServerResponse } from 'node:http'
import { SAFE_METHODS } from '../http/methods.ts'
import { earlierResponses, followsClose, onResponseFinished, pendingResponses } from '../http/response-tracker.ts'

/**
 * Runs a request now, or when the request before it on its connection has its answer: pipelined requests run at the
 * same time only if all of them have safe methods (RFC 9112 §9.3.2). A request behind the end of its connection is not
 * run, since its answer could not be sent.
 */
export function runInOrder (request: IncomingMessage, response: ServerResponse, run: () => void): void {
  if (pendingResponses(request.socket) <= 1) return run() // nearly always
  const earlier = earlierResponses(request.socket, response)
  const before = earlier.at(-1)
  if (before === undefined || [request, ...earlier.map(({ req }) => req)].every(isSafe)) return run()
  onResponseFinished(before.req, before, () => {
    if (!followsClose(request.socket)) run()
  })
}

function isSafe ({ method }: IncomingMessage): boolean {
  return SAFE_METHODS.has(method)
}
