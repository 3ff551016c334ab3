import type { ErrorCode } from '../errors.ts'
import type { Access } from '../maas/access.ts'
import type { Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'

/** What observers learn of one request: facts, counters and the outcome. Nothing is decided by it. */
export class Exchange {
  /** of {@link performance.now}, in milliseconds */
  readonly startedAt = performance.now()
  /** null where the request target was rejected */
  target: Target | null = null
  /** the name of the client's token */
  client: string | null = null
  /** null outside the API of MAAS */
  operation: Operation | null = null
  /** null for what is not forwarded */
  access: Access | null = null
  /** the rule that would have refused the request, were the rules enforced */
  wouldRefuse: string | null = null
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
