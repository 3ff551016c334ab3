import type { Access } from '../maas/access.ts'
import type { Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import type { FormKind } from './form-op.ts'
import type { Ruleset } from './ruleset.ts'

/** The start of a body that admission had to read. The relay sends it before the rest. */
export interface BodyStart {
  bytes: Buffer
  /** whether this is the whole body */
  isComplete: boolean
}

/** A request that may go to MAAS, with all decisions on it. Forwarding only signs and sends it. */
export interface Admitted {
  /** what decided on it */
  readonly ruleset: Ruleset
  readonly target: Target
  readonly operation: Operation
  readonly access: Access
  /** the kind of a form that admission has not read, and that may name another op; null if there is none */
  readonly form: FormKind | null
  /** null if the body was not read */
  readonly bodyStart: BodyStart | null
  /** whether the client has got a 100 (Continue) (RFC 9110 §10.1.1) */
  readonly isContinueSent: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The result of admission; null before it, and for the proxy's own pages. */
    admitted: Admitted | null
  }
}
