import type { IncomingMessage, ServerResponse } from 'node:http'

import { NGINX } from './answers.ts'
import type { Answer } from './answers.ts'
import { answerAsNginx, endAfterRequest, readBody, tooLarge } from './front.ts'
import { parseQuery } from './fields.ts'
import { answerAsRegion } from './region.ts'
import type { Trace } from './request.ts'
import type { Store } from './store.ts'
import { parseTarget } from './target.ts'

/** One request, as it came and as it was answered. */
export interface StandInRecord {
  method: string
  /** The request target as received. */
  url: string
  rawHeaders: string[]
  /** How much of a body there was; 0 if nginx refused it unread. */
  bodyBytes: number
  /** Who authenticated; null for an anonymous request. */
  user: string | null
  op: string | null
  status: number
}

/** From the request to its answer; a client that leaves before its body is complete gets none, and no record. */
export async function serve (
  request: IncomingMessage,
  response: ServerResponse,
  store: Store,
  record: (record: StandInRecord) => void
): Promise<void> {
  const [method, url] = [request.method as string, request.url as string]
  const target = parseTarget(url)
  const trace: Trace = { user: null, op: null, nonce: null }
  const settle = (answer: Answer, bodyBytes: number) => {
    record({ method, url, rawHeaders: request.rawHeaders, bodyBytes, user: trace.user, op: trace.op, status: answer.status })
    send(request, response, answer, store.now())
  }

  const early = answerAsNginx(request, target)
  if (early !== null) return settle(early, 0)
  const read = await readBody(request)
  if (read.kind === 'aborted') return
  if (read.kind === 'too large') return settle(tooLarge, 0)
  const query = parseQuery(target.search)
  const host = request.headers.host ?? 'localhost'
  const { body } = read
  settle(await answerAsRegion({ method, target, query, headers: request.headers, host, body, trace }, store), body.length)
}

function send (request: IncomingMessage, response: ServerResponse, { status, type, body, headers }: Answer, now: number): void {
  const bytes = Buffer.from(body)
  const length = status === 204 ? {} : { 'Content-Length': bytes.length }
  const reason = status === 413 ? 'Request Entity Too Large' : undefined
  const date = new Date(now * 1000).toUTCString()
  response.writeHead(status, reason, { Server: NGINX, Date: date, 'Content-Type': type, ...length, ...headers })
  if (request.complete) {
    response.end(bytes)
  } else {
    response.write(bytes)
    endAfterRequest(request, response)
  }
}
