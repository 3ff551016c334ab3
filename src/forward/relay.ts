import { AsyncLocalStorage } from 'node:async_hooks'
import type { Dispatcher } from 'undici'
import { ProxyError } from '../errors.ts'
import { expectsContinue, hasBody } from '../http/fields.ts'
import { onResponseFinished } from '../http/response-tracker.ts'
import { Answer, type AnswerTask } from './answer.ts'
import type { ConnectionTracker, RequestAttempt } from '../upstream/connection-tracker.ts'
import type { Lane, QueueMember, Turn } from '../upstream/queue.ts'
import type { TrackerAware } from '../upstream/tracked-client.ts'
import { explainAttempt } from './attempt-failure.ts'
import { FormWatch } from './form-watch.ts'
import { RequestBody } from './request-body.ts'
import { requestHeaders, withoutCoding } from './request-headers.ts'

interface RelayTask extends AnswerTask {
  /** the request target, byte for byte as it was admitted */
  target: string
  /** the place of the listener in the queue for connections */
  lane: Lane
}

/**
 * Sends a request to MAAS, byte for byte, and streams the answer back. Both bodies flow with back-pressure. When one
 * side closes, the other is closed too. If MAAS cuts its answer off, so does the proxy.
 *
 * A request with an effect is sent once. undici itself never repeats a request: each attempt is one dispatch, and a
 * connection carries one request at a time. A second attempt is made only if the first one had no effect.
 */
export function relay (task: RelayTask): void {
  new Relay(task).start()
}

/** One repetition is enough: it has a fresh connection and a corrected timestamp. */
const MAX_ATTEMPTS = 2

/** The reason for aborting a request to MAAS whose client has closed the connection. */
const CLIENT_GONE = new Error('the client has gone')

/** The handler that undici calls back. */
class Relay implements Dispatcher.DispatchHandler, QueueMember, TrackerAware {
  readonly #task: RelayTask
  readonly #body: RequestBody | null
  /** undici calls back in the connection's async context; restore the request's, or traces lose their parent. */
  readonly #inContext = AsyncLocalStorage.snapshot()
  #answer: Answer
  #tracker: ConnectionTracker | null = null
  #attempt: RequestAttempt | undefined
  #controller: Dispatcher.DispatchController | null = null
  #turn: Turn | null = null
  #isClientGone = false
  #isFinished = false

  constructor (task: RelayTask) {
    this.#task = task
    const onSilence = () => { this.#controller?.abort(new ProxyError('MAAS_PROXY_BODY_TIMED_OUT')) }
    const { request, admitted, exchange } = task
    const watch = new FormWatch(request, admitted, exchange)
    const silence = { ms: admitted.ruleset.clientBodyTimeoutMs, onSilence }
    this.#body = hasBody(request) ? new RequestBody(request, admitted.bodyStart, exchange, watch, silence) : null
    this.#answer = new Answer(task)
  }

  start (): void {
    const { request, response, exchange, lane } = this.#task
    onResponseFinished(request, response, () => { this.#onClose() })
    this.#turn = lane.enter(exchange.client, this)
    if (this.#turn.state === 'running') this.#send()
    else exchange.queuedAt = performance.now()
  }

  onTurn (): void {
    this.#task.exchange.leftQueueAt = performance.now()
    this.#inContext(() => { this.#send() })
  }

  onTurnMissed (): void {
    this.#task.exchange.leftQueueAt = performance.now()
    this.#finish()
    void this.#task.reply.send(new ProxyError('MAAS_PROXY_QUEUE_TIMED_OUT'))
  }

  #send (): void {
    const { upstream, signing, request, target, admitted, exchange, createRewriter } = this.#task
    exchange.attempts++
    exchange.sentAt = performance.now()
    const authorization = admitted.access === 'signed' ? signing.sign() : null
    const headers = requestHeaders(request.rawHeaders, request.headers.connection, authorization)
    upstream.pool.dispatch({
      method: request.method as Dispatcher.HttpMethod,
      path: target,
      headers: createRewriter === null ? headers : withoutCoding(headers),
      body: this.#body
    }, this)
  }

  onTracker (tracker: ConnectionTracker): void {
    this.#tracker = tracker
    // A connection that is open now may have died together with that of the first attempt.
    if (this.#task.exchange.attempts > 1) tracker.doubt()
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    if (this.#isClientGone) return controller.abort(CLIENT_GONE)
    this.#controller = controller
    this.#attempt = this.#tracker?.beginAttempt(this.#mayRepeat() && !this.#hasEffect)
    const { request, response, admitted } = this.#task
    // RFC 9110 §10.1.1: the client sends its body from now on, when a connection is ready to take it.
    if (this.#body !== null && expectsContinue(request) && !admitted.isContinueSent) response.writeContinue()
  }

  onResponseStart (
    controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''
  ): void {
    this.#task.exchange.answeredAt = performance.now()
    // undici passes an error of this call to `onResponseError`.
    this.#answer.head(status, controller.rawHeaders as Buffer[], reason)
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#attempt?.progress()
    if (this.#answer.data(chunk) || controller.paused) return
    controller.pause()
    this.#task.response.once('drain', () => { controller.resume() })
  }

  onResponseEnd (): void {
    if (this.#isRefusedForTimestamp() && this.#mayRepeat()) return this.#sendAgain()
    this.#answer.end()
    this.#finish()
  }

  onResponseError (_controller: unknown, error: Error): void {
    const { response, reply } = this.#task
    const failure = explainAttempt(error, {
      isBegun: this.#attempt !== undefined,
      isBodySent: this.#body === null || this.#body.readableEnded,
      hasEffect: this.#hasEffect
    })
    if (this.#isDeadConnection(failure) && this.#mayRepeat()) return this.#sendAgain()
    this.#finish()
    if (this.#isClientGone || this.#answer.isComplete) return
    if (response.headersSent) this.#answer.cutOff(failure.code)
    else void reply.send(failure)
  }

  /** Whether MAAS refused the request for its timestamp. MAAS authenticates first, so the request had no effect. */
  #isRefusedForTimestamp (): boolean {
    const { upstream: { clock }, admitted } = this.#task
    const body = this.#answer.refusal
    return body !== null && clock.learnFromRefusal(body.toString('latin1')) && admitted.access === 'signed'
  }

  /**
   * Whether an idle connection was closed or lost while the request was on its way (RFC 9112 §9.3.1). MAAS may have
   * read the request, so only an operation without effect counts.
   */
  #isDeadConnection ({ code }: ProxyError): boolean {
    if (code !== 'MAAS_PROXY_UPSTREAM_CLOSED' && code !== 'MAAS_PROXY_UPSTREAM_LOST') return false
    return this.#attempt?.isReuse === true && !this.#attempt.hasAnswer && !this.#hasEffect
  }

  get #hasEffect (): boolean {
    const { ruleset, operation } = this.#task.admitted
    return ruleset.policy.hasEffect(operation)
  }

  /** Whether a second attempt is possible. A body is streamed, so it cannot be sent twice. */
  #mayRepeat (): boolean {
    return this.#body === null && this.#task.exchange.attempts < MAX_ATTEMPTS
  }

  #sendAgain (): void {
    this.#answer = new Answer(this.#task)
    this.#attempt = undefined
    this.#task.exchange.responseBytes = 0
    this.#task.exchange.answeredAt = null
    this.#inContext(() => { this.#send() })
  }

  #onClose (): void {
    this.#body?.destroy()
    if (this.#isFinished) return
    this.#isClientGone = !this.#task.response.writableFinished
    if (this.#turn?.state === 'waiting') this.#finish()
    else if (this.#isClientGone) this.#controller?.abort(CLIENT_GONE)
  }

  #finish (): void {
    this.#isFinished = true
    this.#body?.destroy()
    if (this.#turn !== null) this.#task.lane.leave(this.#turn)
  }
}
