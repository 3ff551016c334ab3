import type { IncomingMessage, ServerResponse } from 'node:http'

import { NGINX } from './answers.ts'
import type { Answer } from './answers.ts'
import { SENT_METHOD } from './any-method.ts'
import { answerAsNginx, endAfterRequest, readBody, tooLargePage } from './front.ts'
import { parseQuery } from './fields.ts'
import { answerAsRegion } from './region.ts'
import type { Trace } from './request.ts'
import type { Store } from './store.ts'
import { parseTarget } from './target.ts'

/** The record of one request and its answer. */
export interface StandInRecord {
  method: string
  /** The request target as received. */
  url: string
  rawHeaders: string[]
  /** The length of the body; 0 if nginx refused it unread. */
  bodyBytes: number
  /** The authenticated user; null for an anonymous request. */
  user: string | null
  op: string | null
  status: number
}

/** Answers one request. A client that leaves before its body is complete gets neither an answer nor a record. */
export async function serve (
  request: IncomingMessage,
  response: ServerResponse,
  store: Store,
  record: (record: StandInRecord) => void
): Promise<void> {
  const method = request.headers[SENT_METHOD]?.toString() ?? request.method as string
  const url = request.url as string
  const target = parseTarget(url)
  const trace: Trace = { user: null, op: null, nonce: null, readsSession: false }
  const settle = (answer: Answer, bodyBytes: number) => {
    const { rawHeaders } = request
    record({ method, url, rawHeaders, bodyBytes, user: trace.user, op: trace.op, status: answer.status })
    send(request, response, answer, store.now())
  }

  const early = answerAsNginx(request, target)
  if (early !== null) return settle(early, 0)
  const read = await readBody(request)
  if (read.kind === 'aborted') return
  if (read.kind === 'too large') return settle(tooLargePage, 0)
  const query = parseQuery(target.search)
  const host = request.headers.host ?? 'localhost'
  const { body } = read
  const complete = { method, target, query, headers: request.headers, host, body, trace }
  settle(await answerAsRegion(complete, store), body.length)
}

function send (request: IncomingMessage, response: ServerResponse, answer: Answer, now: number): void {
  const { status, type, body, headers, reason, isBare } = answer
  const bytes = Buffer.from(body)
  response.writeHead(status, reason, {
    Server: NGINX,
    Date: new Date(now * 1000).toUTCString(),
    ...type === null ? {} : { 'Content-Type': type },
    ...isBare ? {} : { 'Content-Length': bytes.length },
    ...headers
  })
  if (request.complete) {
    response.end(bytes)
  } else {
    response.write(bytes)
    endAfterRequest(request, response)
  }
}
