import type { ErrorCode } from '../errors.ts'
import type { Access } from '../maas/access.ts'
import type { Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import { ruleFor } from '../policy/resources.ts'

/** The facts, counters and outcome of one request, for observers. No decision depends on them. */
export class Exchange {
  /** of {@link performance.now}, in milliseconds */
  readonly startedAt = performance.now()
  /** null if the request target was rejected */
  target: Target | null = null
  /** the name of the client's token */
  client: string | null = null
  /** null outside the API of MAAS */
  operation: Operation | null = null
  /** why the op is unknown; null if it is known. The op of `operation` counts only then */
  opUnknown: string | null = null
  /** null if the request is not forwarded */
  access: Access | null = null
  /** the rule or reason that refused the operation, or would have if rules were enforced */
  refusedBy: string | null = null
  /** the rule that would have refused the request if rules were enforced */
  wouldRefuse: string | null = null
  /** whether there are allow rules, and none of them means the operation */
  lacksRule = false
  /** when the request began to wait for a connection to MAAS, of {@link performance.now}; null if one was free */
  queuedAt: number | null = null
  /** when that wait was over, whether there was a connection or not; null if there was none, or the client left */
  leftQueueAt: number | null = null
  /** how many times the request was sent to MAAS */
  attempts = 0
  /** the id of the request that was sent for this one too; null if this one does not share its answer */
  sharedWith: string | null = null
  /** when the last attempt was given to the connection pool, of {@link performance.now}; 0 if there was none */
  sentAt = 0
  /** when the head of MAAS's answer to the last attempt had arrived; null if there was none */
  answeredAt: number | null = null
  /** MAAS's own id of the request (`MAAS-trace-id`, since 3.8), unchanged */
  maasTraceId: string | null = null
  /** the hint that was added to an error of MAAS */
  hint: string | null = null
  /** body bytes read from the client */
  requestBytes = 0
  /** body bytes read from MAAS */
  responseBytes = 0
  /** the error that the proxy itself answered with, or that cut the answer off */
  error: ErrorCode | null = null

  /** The rule that would allow exactly this operation, where no allow rule does; null if the operation is not known. */
  get missingRule (): string | null {
    return this.lacksRule && this.operation !== null && this.opUnknown === null ? ruleFor(this.operation) : null
  }

  /** The op for records: `unknown` if it is unknown; null for the plain method, and outside the API of MAAS. */
  get op (): string | null { return this.opUnknown === null ? this.operation?.op ?? null : 'unknown' }

  /** Milliseconds from the last attempt, including the time to connect, to the head of MAAS's answer. */
  get upstreamMs (): number | null { return this.answeredAt === null ? null : this.answeredAt - this.sentAt }

  /** Milliseconds that the request waited for a connection, so far if it still does; null if it had not to. */
  get queuedMs (): number | null {
    return this.queuedAt === null ? null : (this.leftQueueAt ?? performance.now()) - this.queuedAt
  }
}
