import type { IncomingMessage, ServerResponse } from 'node:http'
import { earlierResponses, followsClose, onResponseFinished } from '../http/response-tracker.ts'

/** Methods of requests that may run at the same time although one connection has them in turn (RFC 9110 §9.2.1). */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Runs a request now, or when the request before it on its connection has its answer: pipelined requests run at the
 * same time only if all of them have safe methods (RFC 9112 §9.3.2). A request behind the end of its connection is not
 * run, since its answer could not be sent.
 */
export function runInOrder (request: IncomingMessage, response: ServerResponse, run: () => void): void {
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
