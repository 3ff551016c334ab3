import type { ErrorCode } from '../errors.ts'
import { ownOrigin } from '../http/fields.ts'
import { cutOffResponse } from '../http/response-tracker.ts'
import { findHint } from '../maas/hints.ts'
import { atEndOfTurn, type EndOfTurnListener } from '../performance/end-of-turn.ts'
import type { AnswerTask } from './answer-task.ts'
import type { BodyRewriter } from './body-rewriter.ts'
import { BufferedAnswer, needsBuffering } from './buffered-answer.ts'
import { hintRequest, mayBeIgnored } from './hint-request.ts'
import { inertPage } from './inert-page.ts'
import { redirect } from './redirect.ts'
import { BODILESS, responseHead, type ResponseHead, valueOf, withoutLength } from './response-head.ts'

/** Maximum size of a body that is written together with its head. */
const SMALL_BYTES = 16 * 1024

/** The answer to one attempt. It takes head and body from undici, and writes them to the client. */
export class Answer implements EndOfTurnListener {
  readonly #task: AnswerTask
  /** body bytes that MAAS has yet to send; null if the length is unknown */
  #remaining: number | null = null
  #buffered: BufferedAnswer | null = null
  /** what changes the body on its way; null for most answers */
  #transform: BodyRewriter | null = null
  /** a small body that arrived in one chunk, to be written at the end of the turn */
  #smallBody: string | null = null
  #awaitsEndOfTurn = false

  constructor (task: AnswerTask) {
    this.#task = task
  }

  /**
   * The body of a 401, of which the client has got nothing yet; null for any other status. Only a 401 counts, because
   * other answers may quote the client.
   */
  get refusal (): Buffer | null {
    return this.#buffered?.head.status === 401 ? this.#buffered.body : null
  }

  /** @throws ProxyError if the head cannot be forwarded */
  head (status: number, rawHeaders: readonly Buffer[], reason: string): void {
    const { request, response, upstream: { origin, clock }, signing, exchange, createRewriter } = this.#task
    const received = responseHead(status, reason, rawHeaders)
    const plain = status < 400 ? received : signing.secretMask.head(received)
    if (plain.date !== null) clock.learnFromDate(plain.date)
    exchange.maasTraceId = plain.traceId
    let head = plain
    if (status >= 400) this.#transform = signing.secretMask.stream()
    else if (status >= 300) head = redirect(plain, origin, ownOrigin(request))
    else if (createRewriter !== null && status === 200) {
      this.#transform = createRewriter(origin, ownOrigin(request))
      head = withoutLength(plain)
    }
    if (needsBuffering(head, this.#isSigned)) {
      this.#buffered = new BufferedAnswer(head)
      return
    }
    // The end of the connection ends this body. Node closes it by itself, but `followsClose` would not know.
    if (head.contentLength === null && request.httpVersion === '1.0') response.shouldKeepAlive = false
    this.#writeHead(head, null)
    if (BODILESS.has(status)) {
      response.end() // RFC 9112 §6.3: no body follows, whatever the length field says
      return
    }
    this.#remaining = head.contentLength
    this.#awaitEndOfTurn()
  }

  /**
   * @returns whether the client can take more; if not, the response emits `drain` when it can
   * @throws ProxyError if a body that needs buffering is too large
   */
  data (chunk: Buffer): boolean {
    const { response, exchange } = this.#task
    exchange.responseBytes += chunk.length
    if (this.#buffered !== null) {
      this.#buffered.push(chunk)
      return true
    }
    if (this.#transform !== null) return response.write(this.#transform.write(chunk))
    if (this.#remaining !== null) this.#remaining -= chunk.length
    if (this.#remaining !== 0) return response.write(chunk)
    if (chunk.length > SMALL_BYTES || exchange.responseBytes > chunk.length) {
      response.end(chunk)
      return true
    }
    this.#smallBody = chunk.toString('latin1')
    this.#awaitEndOfTurn()
    return true
  }

  get #isSigned (): boolean { return this.#task.admitted.access === 'signed' }

  #awaitEndOfTurn (): void {
    if (!this.#awaitsEndOfTurn) atEndOfTurn(this)
    this.#awaitsEndOfTurn = true
  }

  /** Writes a small answer at once, or the head of an answer whose body has not arrived. */
  onEndOfTurn (): void {
    const { response, exchange } = this.#task
    this.#awaitsEndOfTurn = false
    if (response.destroyed) return
    // Node joins a string with the head into one write; latin1 keeps each byte as it is.
    if (this.#smallBody !== null) response.end(this.#smallBody, 'latin1')
    else if (exchange.responseBytes === 0 && !response.writableEnded) response.flushHeaders()
  }

  /**
   * Ends the answer after its last byte, and writes it now if it was buffered.
   * @throws ProxyError if it was buffered and cannot be searched for secrets
   */
  end (): void {
    const { response } = this.#task
    if (this.#smallBody !== null) return
    if (this.#buffered !== null) this.#release(this.#buffered)
    if (!response.writableEnded) response.end(this.#transform?.end())
  }

  /** Ends an incomplete answer so that the client notices. */
  cutOff (code: ErrorCode): void {
    const { response, exchange } = this.#task
    exchange.error = code
    cutOffResponse(response.req, response)
  }

  /** The answer to another attempt, which begins anew. */
  repeated (): Answer {
    this.#task.exchange.responseBytes = 0
    return new Answer(this.#task)
  }

  /**
   * Writes the head, with a hint if MAAS answers an error.
   * @param body for the hint; null if it is unknown
   */
  #writeHead (head: ResponseHead, body: string | null): void {
    const { request, response, exchange, reply } = this.#task
    const { status, reason } = head
    const headers = inertPage(head, request.headers['sec-fetch-dest'] as string | undefined)
    const hint = this.#findHint({ status, headers, body })
    exchange.hint = hint
    response.writeHead(status, reason, hint === null ? headers : [...headers, 'MAAS-Proxy-Hint', hint])
    reply.hijack()
  }

  /** Finds the hint on an error, or on a success that a client may misread. */
  #findHint ({ status, headers, body }: Pick<ResponseHead, 'status' | 'headers'> & { body: string | null }) {
    const { request, maasFacts: { isAdmin, version }, exchange, admitted } = this.#task
    if (status < 400 && !mayBeIgnored(request)) return null
    return findHint({
      status,
      access: admitted.access,
      retryAfter: valueOf(headers, 'retry-after'),
      challenge: valueOf(headers, 'www-authenticate'),
      allow: valueOf(headers, 'allow'),
      body,
      request: hintRequest(request, admitted, exchange),
      isAdmin,
      version
    })
  }

  #release ({ head, body }: BufferedAnswer): void {
    const masked = this.#task.signing.secretMask.whole({ headers: head.headers, body }, this.#isSigned)
    this.#writeHead({ ...head, headers: masked.headers }, masked.body.toString('latin1'))
    this.#task.response.end(masked.body)
  }
}
