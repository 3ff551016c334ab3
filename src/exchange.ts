import type { ErrorCode } from './errors.ts'
import type { Access } from './maas/access.ts'
import type { Parameter } from './maas/query.ts'

/** What a request is aimed at, as MAAS will read it. */
export interface Target {
  /** the path exactly as it was sent, and as it is forwarded */
  rawPath: string
  /** percent-decoded, slashes collapsed: what decisions are made on, because MAAS matches this */
  path: string
  query: readonly Parameter[]
}

/** One request on its way through the proxy: each step writes down what it found, the access log reads it at the end. */
export class Exchange {
  /** of {@link performance.now}, in milliseconds */
  readonly startedAt = performance.now()
  target: Target | null = null
  op: string | null = null
  access: Access | null = null
  /** body bytes read from the client */
  requestBytes = 0
  /** body bytes read from MAAS */
  responseBytes = 0
  /** the error that the proxy itself answered with, or that cut the answer off */
  error: ErrorCode | null = null
}
