import type { ErrorCode } from './errors.ts'
import type { Access, AnonymousKind } from './maas/access.ts'
import type { Operation } from './maas/operations.ts'
import type { Parameter } from './maas/query.ts'

/** What a request is aimed at, as MAAS will read it. */
export interface Target {
  /** the path exactly as it was sent, and as it is forwarded */
  rawPath: string
  /** percent-decoded, slashes collapsed: what decisions are made on, because MAAS matches this */
  path: string
  query: readonly Parameter[]
}

/** The beginning of a body that had to be looked at, and whether it is the whole. */
export interface Peeked {
  bytes: Buffer
  complete: boolean
}

/** One request on its way through the proxy: each step writes down what it found, the access log reads it at the end. */
export class Exchange {
  /** of {@link performance.now}, in milliseconds */
  readonly startedAt = performance.now()
  target: Target | null = null
  /** the client that its token names */
  client: string | null = null
  /** null for what is not forwarded */
  operation: Operation | null = null
  /** how MAAS serves it to anyone; undefined where it does not */
  anonymousKind: AnonymousKind | undefined
  /** what the rules would have refused it by, were they enforced */
  wouldRefuse: string | null = null
  /** what the client asked for in `MAAS-Proxy-Access` */
  askedAccess: Access | undefined
  access: Access | null = null
  peeked: Peeked | null = null
  /** whether the client has been told to send its body (RFC 9110 §10.1.1) */
  continued = false
  /** what is to be torn down when the answer is out or the client has gone; set by the relay */
  tearDown: (() => void) | null = null
  /** how often the request was sent to MAAS */
  attempts = 0
  /** when the last of these was handed to the connections to MAAS, of {@link performance.now} */
  sentAt = 0
  /** when the head of MAAS's answer to it had come; null where there was none */
  answeredAt: number | null = null
  /** what MAAS calls the request (`MAAS-trace-id`, since 3.8), as it came */
  maasTraceId: string | null = null
  /** what was said to an error of MAAS */
  hint: string | null = null
  /** body bytes read from the client */
  requestBytes = 0
  /** body bytes read from MAAS */
  responseBytes = 0
  /** the error that the proxy itself answered with, or that cut the answer off */
  error: ErrorCode | null = null

  /** How long MAAS took, waiting for a connection included, until the head of its answer had come, in milliseconds. */
  get upstreamMs (): number | null { return this.answeredAt === null ? null : this.answeredAt - this.sentAt }
}
