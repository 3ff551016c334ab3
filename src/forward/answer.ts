import type { FastifyReply } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Admitted } from '../admit/admitted.ts'
import type { ErrorCode } from '../errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { ownOrigin } from '../http/fields.ts'
import { findHint } from '../maas/hints.ts'
import type { Signing } from './credential.ts'
import { atEndOfTurn, type EndOfTurnListener } from '../performance/end-of-turn.ts'
import { BufferedAnswer, needsBuffering } from './buffered-answer.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { OriginRewriter } from './origin-rewriter.ts'
import { redirect } from './redirect.ts'
import { responseHead, type ResponseHead, valueOf, withoutLength } from './response-head.ts'

/** What an answer is given to the client with. */
export interface AnswerTask {
  upstream: Upstream
  /** of the key that the request is signed with */
  signing: Signing
  request: IncomingMessage
  /** hijacked before the first byte of MAAS's answer is passed on: from then on the response belongs to the relay */
  reply: FastifyReply
  response: ServerResponse
  exchange: Exchange
  admitted: Admitted
  /** whether the body has addresses of MAAS in it that are to lead to the proxy */
  rewriteBody: boolean
}

/** Statuses whose answers have no body, whatever they announce (RFC 9110 §15.3.5, §15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** A body up to which copying it is cheaper than sending it apart from its head. */
const SMALL_BYTES = 16 * 1024

/** The answer to one attempt, on its way to the client: head and body as undici hands them out. */
export class Answer implements EndOfTurnListener {
  readonly #task: AnswerTask
  /** body bytes still to come from MAAS; null where it did not say how many */
  #remaining: number | null = null
  /** an answer that is looked into for secrets before it is passed on */
  #held: BufferedAnswer | null = null
  #rewriter: OriginRewriter | null = null
  /** a body that came in one small piece, to go out at the end of the turn */
  #wholeBody: string | null = null
  #awaitsEndOfTurn = false

  constructor (task: AnswerTask) {
    this.#task = task
  }

  /** The body of a 401, of which the client has seen nothing yet; null for any other answer, which may repeat what a client wrote. */
  get refusal (): Buffer | null { return this.#held?.head.status === 401 ? this.#held.body : null }

  head (status: number, rawHeaders: readonly Buffer[], reason: string): void {
    const { request, response, upstream: { origin, clock }, exchange, rewriteBody } = this.#task
    const plain = responseHead(status, reason, rawHeaders)
    if (plain.date !== null) clock.learnFromDate(plain.date)
    exchange.maasTraceId = plain.traceId
    if (rewriteBody && status === 200) this.#rewriter = new OriginRewriter(origin, ownOrigin(request))
    const head = status >= 300 && status < 400 ? redirect(plain, origin, ownOrigin(request)) : this.#rewriter !== null ? withoutLength(plain) : plain
    if (needsBuffering(head)) {
      this.#held = new BufferedAnswer(head)
      return
    }
    this.#begin(head, null)
    if (BODILESS.has(status)) {
      response.end() // whatever length it announces, nothing follows (RFC 9112 §6.3)
      return
    }
    this.#remaining = head.contentLength
    this.#awaitEndOfTurn()
  }

  /** @returns whether more may come at once; if not, the response emits `drain` when the client has caught up */
  data (chunk: Buffer): boolean {
    const { response, exchange } = this.#task
    exchange.responseBytes += chunk.length
    if (this.#held !== null) {
      this.#held.push(chunk)
      return true
    }
    if (this.#rewriter !== null) return response.write(this.#rewriter.write(chunk))
    if (this.#remaining !== null) this.#remaining -= chunk.length
    if (this.#remaining !== 0) return response.write(chunk)
    if (chunk.length > SMALL_BYTES || exchange.responseBytes > chunk.length) {
      response.end(chunk)
      return true
    }
    this.#wholeBody = chunk.toString('latin1')
    this.#awaitEndOfTurn()
    return true
  }

  #awaitEndOfTurn (): void {
    if (!this.#awaitsEndOfTurn) atEndOfTurn(this)
    this.#awaitsEndOfTurn = true
  }

  /** A small answer has its body by now, mostly, and goes out in one write with its head; the head of a slow one does not wait for it. */
  onEndOfTurn (): void {
    const { response, exchange } = this.#task
    this.#awaitsEndOfTurn = false
    if (response.destroyed) return
    // A text goes out in one piece with the head, where bytes would be a piece of their own. Latin-1 is each byte as it is.
    if (this.#wholeBody !== null) response.end(this.#wholeBody, 'latin1')
    else if (exchange.responseBytes === 0 && !response.writableEnded) response.flushHeaders()
  }

  /** Whether all of the answer has been given to the client, or will be without anything more of MAAS. */
  get isWhole (): boolean { return this.#wholeBody !== null || this.#task.response.writableEnded }

  /** Ends an answer that is whole; one that was held goes out now. */
  end (): void {
    const { response } = this.#task
    if (this.#wholeBody !== null) return
    if (this.#held !== null) this.#release(this.#held)
    if (!response.writableEnded) response.end(this.#rewriter?.end())
  }

  /**
   * Ends an answer that is not whole so that no client takes it for that. A body that ends with the connection (HTTP/1.0) would
   * look complete after an orderly close, so it gets a reset where the transport has one.
   */
  cutOff (code: ErrorCode): void {
    const { response, exchange } = this.#task
    const { httpVersion, socket } = response.req
    exchange.error = code
    if (httpVersion === '1.0' && socket.remoteAddress !== undefined) socket.resetAndDestroy()
    else response.destroy()
  }

  /** Passes the head on, with a hint beside what MAAS says. @param body if it is known, for the hint */
  #begin ({ status, reason, headers }: Pick<ResponseHead, 'status' | 'reason' | 'headers'>, body: string | null): void {
    const { response, exchange, admitted, reply } = this.#task
    exchange.hint = status < 400 ? null : findHint({ status, access: admitted.access, retryAfter: valueOf(headers, 'retry-after'), challenge: valueOf(headers, 'www-authenticate'), body })
    response.writeHead(status, reason, exchange.hint === null ? headers : [...headers, 'MAAS-Proxy-Hint', exchange.hint])
    reply.hijack()
  }

  #release ({ head, body }: BufferedAnswer): void {
    const masked = this.#task.signing.maskSecret({ headers: head.headers, body })
    this.#begin({ ...head, headers: masked.headers }, masked.body.toString('latin1'))
    this.#task.response.end(masked.body)
  }
}
