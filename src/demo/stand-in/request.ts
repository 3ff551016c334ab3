import type { IncomingHttpHeaders } from 'node:http'

import type { QueryDict } from './fields.ts'
import type { Target } from './target.ts'

/** A request as nginx has passed it on: complete, and of a bounded size. */
export interface Request {
  method: string
  target: Target
  query: QueryDict
  headers: IncomingHttpHeaders
  /** The authority the client used; nginx hands it on as X-Forwarded-Host, whatever the client sent there. */
  host: string
  body: Buffer
  /** What is found out on the way to the answer. */
  trace: Trace
}

/** What a record tells about a request beyond its text. */
export interface Trace {
  user: string | null
  op: string | null
  /** The nonce this request has used, until it is known whether that lasts. */
  nonce: string | null
}
