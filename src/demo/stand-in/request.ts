import type { IncomingHttpHeaders } from 'node:http'

import type { QueryDict } from './fields.ts'
import type { Target } from './target.ts'

/** A request as nginx passes it on: complete, of limited size. */
export interface Request {
  method: string
  target: Target
  query: QueryDict
  headers: IncomingHttpHeaders
  /** The field Host. nginx passes it on as X-Forwarded-Host, whatever the client sent in that field. */
  host: string
  body: Buffer
  /** Facts for the record of the request and for the headers of its answer, filled in on the way. */
  trace: Trace
}

/** Facts about a request that are known after authentication and dispatch. */
export interface Trace {
  user: string | null
  op: string | null
  /** The nonce of this request, which a rollback forgets. */
  nonce: string | null
  /** Whether the session was looked at, so that the answer varies with the cookie. */
  readsSession: boolean
}
