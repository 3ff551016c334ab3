import { AsyncLocalStorage } from 'node:async_hooks'
import type { Dispatcher } from 'undici'
import type { ProxyError } from '../errors.ts'
import { expectsContinue, hasBody } from '../http/fields.ts'
import { onResponseFinished } from '../http/response-tracker.ts'
import type { Policy } from '../policy/policy.ts'
import { Answer, type AnswerTask } from './answer.ts'
import type { ConnectionTracker, RequestAttempt, TrackerAware } from '../upstream/tracked-client.ts'
import { explainFailure } from '../upstream/failures.ts'
import { RequestBody } from './request-body.ts'
import { requestHeaders } from './request-headers.ts'

/** What one relay works on, and whom it tells how it went. */
export interface RelayTask extends AnswerTask {
  /** the request target, as it was admitted */
  target: string
  policy: Policy
}

/**
 * Sends a request to MAAS, exactly its bytes, and streams the answer back. Both bodies flow with back-pressure; when one
 * side goes away, the other is torn down; an answer that is cut off is cut off for the client too and never completed.
 * Nothing that could have had an effect is ever sent twice: undici gets each attempt once, with one request at a time on a
 * connection, and there is a second attempt only where the first can have had none.
 */
export function relay (task: RelayTask): void {
  new Relay(task).start()
}

/** Sent again at most once: what fails twice is not helped by more. */
const MAX_ATTEMPTS = 2

/** Why a request to MAAS is aborted when its client has gone. */
const CLIENT_GONE = new Error('the client has gone')

/** The handler that undici drives. */
class Relay implements Dispatcher.DispatchHandler, TrackerAware {
  readonly #task: RelayTask
  readonly #body: RequestBody | null
  /** undici calls back in the connection's async context; restore the request's, or traces lose their parent. */
  readonly #inContext = AsyncLocalStorage.snapshot()
  #answer: Answer
  #tracker: ConnectionTracker | null = null
  #attempt: RequestAttempt | undefined
  #controller: Dispatcher.DispatchController | null = null
  #clientGone = false
  #done = false

  constructor (task: RelayTask) {
    this.#task = task
    this.#body = hasBody(task.request) ? new RequestBody(task.request, task.admitted.bodyStart, task.exchange) : null
    this.#answer = new Answer(task)
  }

  start (): void {
    onResponseFinished(this.#task.request, this.#task.response, () => { this.#onClose() })
    this.#send()
  }

  #send (): void {
    const { upstream, signing, request, target, admitted, exchange } = this.#task
    exchange.attempts++
    exchange.sentAt = performance.now()
    const authorization = admitted.access === 'signed' ? signing.sign() : null
    upstream.pool.dispatch({
      method: request.method as Dispatcher.HttpMethod,
      path: target,
      headers: requestHeaders(request.rawHeaders, request.headers.connection, authorization),
      body: this.#body
    }, this)
  }

  onTracker (tracker: ConnectionTracker): void {
    this.#tracker = tracker
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    if (this.#clientGone) return controller.abort(CLIENT_GONE)
    this.#controller = controller
    this.#attempt = this.#tracker?.beginAttempt()
    // RFC 9110 §10.1.1: a client that expects 100 holds its body back until now, when there is somebody to take it.
    if (this.#body !== null && expectsContinue(this.#task.request) && !this.#task.admitted.continued) this.#task.response.writeContinue()
  }

  onResponseStart (controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    // Interim responses are not passed on; undici itself refuses 100 and 101. What is thrown here comes back in `onResponseError`.
    if (status < 200) return
    this.#task.exchange.answeredAt = performance.now()
    this.#answer.head(status, controller.rawHeaders as Buffer[], reason)
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#answer.data(chunk) || controller.paused) return
    controller.pause()
    this.#task.response.once('drain', () => { controller.resume() })
  }

  onResponseEnd (): void {
    if (this.#refusedForTimestamp() && this.#mayRepeat()) return this.#sendAgain()
    this.#answer.end()
    this.#done = true
  }

  onResponseError (_controller: unknown, error: Error): void {
    const { response, reply } = this.#task
    const failure = explainFailure(error)
    if (this.#diedUnused(failure) && this.#mayRepeat()) return this.#sendAgain()
    this.#done = true
    this.#body?.destroy()
    if (this.#clientGone) return
    if (this.#answer.isWhole) return
    if (response.headersSent) this.#answer.cutOff(failure.code)
    else void reply.send(failure)
  }

  /** Whether MAAS refused the request for its timestamp alone: it authenticates before it does anything, so nothing has happened yet. */
  #refusedForTimestamp (): boolean {
    const { upstream: { clock }, admitted } = this.#task
    const body = this.#answer.refusal
    return body !== null && clock.learnFromRefusal(body.toString('latin1')) && admitted.access === 'signed'
  }

  /**
   * Whether a connection that had been kept open was closed under the request, as a server does with an idle one at any moment
   * (RFC 9112 §9.3.1). It may have read the request all the same, so only one that can have no effect counts.
   */
  #diedUnused (failure: ProxyError): boolean {
    return failure.code === 'MAAS_PROXY_UPSTREAM_CLOSED' && this.#attempt?.isReuse === true && !this.#attempt.hasAnswer && !this.#task.policy.hasEffect(this.#task.admitted.operation)
  }

  /** Not a request with a body, which is gone. */
  #mayRepeat (): boolean {
    return this.#body === null && this.#task.exchange.attempts < MAX_ATTEMPTS
  }

  #sendAgain (): void {
    this.#answer = new Answer(this.#task)
    this.#task.exchange.responseBytes = 0
    this.#task.exchange.answeredAt = null
    this.#inContext(() => { this.#send() })
  }

  #onClose (): void {
    this.#body?.destroy()
    if (this.#done) return
    this.#clientGone = !this.#task.response.writableFinished
    if (this.#clientGone) this.#controller?.abort(CLIENT_GONE)
  }
}
