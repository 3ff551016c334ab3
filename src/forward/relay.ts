import { AsyncResource } from 'node:async_hooks'
import { ProxyError } from '../errors.ts'
import { hasBody } from '../http/fields.ts'
import { onResponseFinished } from '../http/response-tracker.ts'
import type { Lane, QueueMember, Turn } from '../upstream/queue.ts'
import { Answer } from './answer.ts'
import type { DeliveredPart } from './delivered-part.ts'
import { FormWatch } from './form-watch.ts'
import type { AnswerReader, AnswerSource } from './reader.ts'
import { RequestBody } from './request-body.ts'
import { ResumedAnswer } from './resumed-answer.ts'
import { Sending, type SendingTask } from './sending.ts'
import { shareKey } from './share-key.ts'

interface RelayTask extends SendingTask {
  /** the place of the listener in the queue for connections */
  lane: Lane
}

/**
 * Sends a request to MAAS, byte for byte, and streams the answer back. Both bodies flow with back-pressure. When one
 * side closes, the other is closed too. If MAAS cuts its answer off, so does the proxy.
 */
export function relay (task: RelayTask): void {
  new Relay(task).start()
}

/** A client's request, from its place in the queue to the end of its answer. */
class Relay implements QueueMember, AnswerReader {
  readonly #task: RelayTask
  readonly #body: RequestBody | null
  /**
   * undici calls back in the connection's async context; restore the request's, or traces lose their parent. One for
   * each request costs no CPU time that can be measured (1.02 [0.77-1.13] of a shared one, 2026-11-27).
   */
  readonly #context = new AsyncResource('MAAS_REQUEST')
  #answer: Answer | ResumedAnswer
  #turn: Turn | null = null
  /** what the request asks for while it waits, if it may share the request of another one; otherwise null */
  #shareKey: string | null = null
  #source: AnswerSource | null = null
  /** the source that went on without this reader; null for most requests */
  #formerSource: AnswerSource | null = null
  #awaitsDrain = false
  /** whether nothing more comes from MAAS */
  #isFinished = false
  /** whether the client has the answer, or has left */
  #isClosed = false

  constructor (task: RelayTask) {
    this.#task = task
    const onSilence = () => { this.#source?.abort(new ProxyError('MAAS_PROXY_BODY_TIMED_OUT')) }
    const { request, admitted, exchange } = task
    const silence = { ms: admitted.ruleset.clientBodyTimeoutMs, onSilence }
    this.#body = hasBody(request)
      ? new RequestBody(request, admitted.bodyStart, exchange, new FormWatch(request, admitted, exchange), silence)
      : null
    this.#answer = new Answer(task)
  }

  start (): void {
    const { request, response, exchange, upstream, signing } = this.#task
    if (!this.#enterQueue()) {
      exchange.queuedAt = performance.now()
      if (upstream.backlogBudget !== null) this.#shareKey = shareKey(this.#task)
      if (this.#shareKey !== null) signing.waitingReads.add(this.#shareKey, this)
    }
    onResponseFinished(request, response, () => { this.#onClose() })
  }

  /** @returns whether the turn of the request begins at once */
  #enterQueue (): boolean {
    const { lane, exchange } = this.#task
    this.#turn = lane.enter(exchange.client, this)
    if (this.#turn.state === 'waiting') return false
    this.#send([])
    return true
  }

  onTurn (): void {
    const { exchange, signing: { waitingReads } } = this.#task
    exchange.leftQueueAt = performance.now()
    const others = this.#shareKey === null ? [] : waitingReads.takeOthers(this.#shareKey, this)
    this.#context.runInAsyncScope(() => { this.#send(others) })
  }

  onTurnMissed (): void {
    this.#leaveQueue()
    this.onFailure(new ProxyError('MAAS_PROXY_QUEUE_TIMED_OUT'))
  }

  /** @param others what asks for the same */
  #send (others: readonly AnswerReader[]): void {
    const { lane } = this.#task
    const turn = this.#turn as Turn
    const sending = new Sending(this.#task, {
      body: this.#body,
      readers: [this, ...others],
      context: this.#context,
      onOver: () => { lane.leave(turn) }
    })
    this.#source = sending
    for (const other of others) other.join(sending)
    sending.send()
  }

  join (source: AnswerSource): void {
    const { exchange, lane } = this.#task
    this.#source = source
    exchange.sharedWith = source.id
    exchange.leftQueueAt = performance.now()
    lane.leave(this.#turn as Turn)
  }

  /** Forgets a request that waits. */
  #leaveQueue (): void {
    const { exchange, lane, signing: { waitingReads } } = this.#task
    exchange.leftQueueAt = performance.now()
    lane.leave(this.#turn as Turn)
    if (this.#shareKey !== null) waitingReads.delete(this.#shareKey, this)
    this.#finish()
  }

  get backlog (): number { return this.#isClosed ? 0 : this.#task.response.writableLength }

  get isComplete (): boolean { return this.#task.response.writableEnded }

  get refusal (): Buffer | null { return this.#answer.refusal }

  onSend (): void {
    this.#task.exchange.sentAt = performance.now()
  }

  onRepeat (): void {
    this.#answer = this.#answer.repeated()
    this.#task.exchange.answeredAt = null
  }

  onHead (status: number, rawHeaders: readonly Buffer[], reason: string): void {
    this.#task.exchange.answeredAt = performance.now()
    this.#answer.head(status, rawHeaders, reason)
  }

  onData (chunk: Buffer): boolean {
    return this.#answer.data(chunk)
  }

  awaitDrain (): void {
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#task.response.once('drain', () => {
      this.#awaitsDrain = false
      this.#source?.resume()
    })
  }

  onLeftBehind (delivered: DeliveredPart): void {
    this.#answer = new ResumedAnswer(this.#answer as Answer, delivered)
    this.#formerSource = this.#source
    this.#source = null
    this.#shareKey = null
    this.#enterQueue()
  }

  onEnd (): void {
    this.#answer.end()
    this.#finish()
  }

  onFailure (failure: ProxyError): void {
    const { response, reply } = this.#task
    this.#finish()
    if (response.headersSent) this.#answer.cutOff(failure.code)
    else void reply.send(failure)
  }

  #onClose (): void {
    const source = this.#source
    this.#isClosed = true
    this.#body?.destroy()
    if (this.#turn?.state === 'waiting') {
      this.#leaveQueue()
    } else if (!this.#isFinished) {
      this.#finish()
      source?.leave(this)
    }
    (this.#formerSource ?? source)?.release()
  }

  #finish (): void {
    this.#isFinished = true
    this.#body?.destroy()
  }
}
