import type { AsyncResource } from 'node:async_hooks'
import type { Dispatcher } from 'undici'
import type { ProxyError } from '../errors.ts'
import { expectsContinue } from '../http/fields.ts'
import type { ConnectionTracker, RequestAttempt } from '../upstream/connection-tracker.ts'
import type { TrackerAware } from '../upstream/tracked-client.ts'
import type { AnswerTask } from './answer-task.ts'
import { explainAttempt } from './attempt-failure.ts'
import type { AnswerReader, AnswerSource } from './reader.ts'
import { Readers } from './readers.ts'
import type { RequestBody } from './request-body.ts'
import { requestHeaders, withoutCoding } from './request-headers.ts'

/** A request to send to MAAS. */
export interface SendingTask extends AnswerTask {
  /** the request target, byte for byte as it was admitted */
  target: string
}

interface SendingOptions {
  body: RequestBody | null
  /** the readers of the answer, at least one */
  readers: readonly AnswerReader[]
  /** the async context of the client's request */
  context: AsyncResource
  /** called when MAAS works on the request no more */
  onOver: () => void
}

/** One repetition is enough: it has a fresh connection and a corrected timestamp. */
const MAX_ATTEMPTS = 2

/** The reason for aborting a request to MAAS whose clients have all closed their connections. */
const CLIENT_GONE = new Error('the client has gone')

/**
 * A request on its way to MAAS, with the readers of its answer. It is the handler that undici calls back.
 *
 * A request with an effect is sent once. undici itself never repeats a request: each attempt is one dispatch, and a
 * connection carries one request at a time. A second attempt is made only if the first one had no effect.
 */
export class Sending implements Dispatcher.DispatchHandler, TrackerAware, AnswerSource {
  readonly #task: SendingTask
  readonly #options: SendingOptions
  readonly #readers: Readers
  #attempts = 0
  #tracker: ConnectionTracker | null = null
  #attempt: RequestAttempt | undefined
  /** whether there was an open connection for the attempt */
  #hasConnection = false
  #controller: Dispatcher.DispatchController | null = null

  constructor (task: SendingTask, options: SendingOptions) {
    this.#task = task
    this.#options = options
    this.#readers = new Readers(options.readers, task.upstream.backlogBudget)
  }

  get id (): string { return this.#task.reply.request.id }

  /** Makes the first attempt. */
  send (): void {
    const { upstream, signing, request, target, admitted, exchange, createRewriter } = this.#task
    this.#attempts++
    exchange.attempts++
    this.#readers.onSend()
    const authorization = admitted.access === 'signed' ? signing.sign() : null
    const headers = requestHeaders(request.rawHeaders, request.headers.connection, authorization)
    upstream.pool.dispatch({
      method: request.method as Dispatcher.HttpMethod,
      path: target,
      headers: createRewriter === null ? headers : withoutCoding(headers),
      body: this.#options.body
    }, this)
  }

  leave (reader: AnswerReader): void {
    this.#readers.remove(reader)
    if (this.#readers.isEmpty) this.#controller?.abort(CLIENT_GONE)
  }

  release (): void {
    this.#readers.release()
  }

  resume (): void {
    this.#controller?.resume()
  }

  abort (error: Error): void {
    this.#controller?.abort(error)
  }

  onTracker (tracker: ConnectionTracker): void {
    this.#tracker = tracker
    this.#hasConnection = tracker.isOpen
    // A connection that is open now may have died together with that of the first attempt.
    if (this.#attempts > 1) tracker.doubt()
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    if (this.#readers.isEmpty) return controller.abort(CLIENT_GONE)
    this.#controller = controller
    this.#attempt = this.#tracker?.beginAttempt(this.#mayRepeat() && !this.#hasEffect)
    const { request, response, admitted } = this.#task
    // RFC 9110 §10.1.1: the client sends its body from now on, when a connection is ready to take it.
    if (this.#options.body !== null && expectsContinue(request) && !admitted.isContinueSent) response.writeContinue()
  }

  onResponseStart (
    controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''
  ): void {
    // undici passes an error of a reader to `onResponseError`.
    this.#readers.onHead(status, controller.rawHeaders as Buffer[], reason)
  }

  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#attempt?.progress()
    if (this.#readers.onData(chunk) || controller.paused) return
    controller.pause()
    this.#readers.awaitDrain()
  }

  onResponseEnd (): void {
    const failure = this.#attempt?.failure ?? null
    if (failure !== null) return this.onResponseError(this.#controller, failure)
    if (this.#isRefusedForTimestamp() && this.#mayRepeat()) return this.#sendAgain()
    this.#readers.onEnd()
    this.#options.onOver()
  }

  onResponseError (_controller: unknown, error: Error): void {
    const { body, onOver } = this.#options
    const failure = explainAttempt(error, {
      isBegun: this.#attempt !== undefined,
      isBodySent: body === null || body.readableEnded,
      hasEffect: this.#hasEffect
    })
    if (this.#isDeadConnection(failure) && this.#mayRepeat()) return this.#sendAgain()
    onOver()
    this.#readers.onFailure(failure)
  }

  /** Whether MAAS refused the request for its timestamp. MAAS authenticates first, so the request had no effect. */
  #isRefusedForTimestamp (): boolean {
    const { upstream: { clock }, admitted } = this.#task
    const { refusal: body } = this.#readers
    return body !== null && clock.learnFromRefusal(body.toString('latin1')) && admitted.access === 'signed'
  }

  /**
   * Whether an idle connection was closed or lost while the request was on its way (RFC 9112 §9.3.1). MAAS may have
   * read what was written, so only an operation without effect counts then.
   */
  #isDeadConnection ({ code }: ProxyError): boolean {
    if (code !== 'MAAS_PROXY_UPSTREAM_CLOSED' && code !== 'MAAS_PROXY_UPSTREAM_LOST') return false
    if (this.#attempt === undefined) return this.#hasConnection
    return this.#attempt.isReuse && !this.#attempt.hasAnswer && !this.#hasEffect
  }

  get #hasEffect (): boolean {
    const { ruleset, operation } = this.#task.admitted
    return ruleset.policy.hasEffect(operation)
  }

  /** Whether a second attempt is possible. A body is streamed, so it cannot be sent twice. */
  #mayRepeat (): boolean {
    return this.#options.body === null && this.#attempts < MAX_ATTEMPTS
  }

  #sendAgain (): void {
    this.#readers.onRepeat()
    this.#attempt = undefined
    this.#options.context.runInAsyncScope(() => { this.send() })
  }
}
