import type { Access } from '../maas/access.ts'
import type { Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'

/** The beginning of a body that admission had to read, for the relay to send before the rest. */
export interface BodyStart {
  bytes: Buffer
  /** whether this is the whole body */
  complete: boolean
}

/** A request that may go to MAAS, with everything that was decided on it. Forwarding only signs and sends it. */
export interface Admitted {
  readonly target: Target
  readonly operation: Operation
  readonly access: Access
  /** null where the body was not read */
  readonly bodyStart: BodyStart | null
  /** whether the client has been told to send its body (RFC 9110 §10.1.1) */
  readonly continued: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by admission; null before, and for the proxy's own pages. */
    admitted: Admitted | null
  }
}
