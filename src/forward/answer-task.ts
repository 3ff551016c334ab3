import type { FastifyReply } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Admitted } from '../admit/admitted.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { MaasFacts } from '../maas/hint-row.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { BodyRewriter } from './body-rewriter.ts'
import type { Signing } from './credential.ts'

/** The request of an answer, and the response to write the answer to. */
export interface AnswerTask {
  upstream: Upstream
  /** of the key that the request is signed with */
  signing: Signing
  request: IncomingMessage
  /** hijacked when the head is written: from then on the response belongs to the relay */
  reply: FastifyReply
  response: ServerResponse
  exchange: Exchange
  admitted: Admitted
  /** the facts about MAAS, for hints */
  maasFacts: MaasFacts
  /**
   * Creates what replaces addresses of MAAS in the body; null if nothing does.
   * @param upstream the origin of MAAS
   * @param client the origin that the client used
   */
  createRewriter: ((upstream: string, client: string) => BodyRewriter) | null
}
