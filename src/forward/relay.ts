import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { ProxyError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { expectsContinue } from '../fields.ts'
import type { Access } from '../maas/access.ts'
import { findHint } from '../maas/hints.ts'
import { buffersPassed } from './buffers.ts'
import { explainFailure } from './failures.ts'
import { HeldAnswer, mustBeHeld } from './held-answer.ts'
import type { MaasLink } from './link.ts'
import { OriginRewriter } from './origin-rewriter.ts'
import { redirect } from './redirect.ts'
import { hasBody, RequestBody } from './request-body.ts'
import { responseHead, type ResponseHead, valueOf, withoutLength } from './response-head.ts'
import type { SecretMask } from './secret-mask.ts'

/** What one relay works on, and whom it tells how it went. */
export interface RelayTask extends MaasLink {
  request: IncomingMessage
  /** the request target, as it was admitted */
  target: string
  response: ServerResponse
  exchange: Exchange
  /** makes the header for one attempt, signed anew: names and values in turns */
  makeHeaders: () => string[]
  maskSecret: SecretMask
  /** whether the body has addresses of MAAS in it that are to lead to the proxy */
  rewriteBody: boolean
  /** called before the first byte of MAAS's answer is passed on: from here on the response belongs to the relay */
  onAnswer: () => void
  /** called instead, at most once, where there is no answer to pass on and the client is still there */
  onFailure: (error: ProxyError) => void
}

/**
 * Sends a request to MAAS, exactly its bytes, and streams the answer back. Both bodies flow with back-pressure; when one
 * side goes away, the other is torn down; an answer that is cut off is cut off for the client too and never completed.
 * Nothing that could have had an effect is ever sent twice: undici gets each attempt once, with one request at a time on a
 * connection.
 */
export function relay (task: RelayTask): void {
  new Relay(task).start()
}

/** Statuses whose answers have no body, whatever they announce (RFC 9110 §15.3.5, §15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** The handler that undici drives (its version 7: `onConnect`, `onHeaders`, `onData`, `onComplete`, `onError`). */
class Relay implements Dispatcher.DispatchHandler {
  readonly #task: RelayTask
  readonly #body: RequestBody | null
  #abort: ((reason?: Error) => void) | null = null
  #clientGone = false
  #done = false
  /** body bytes still to come from MAAS; null where it did not say how many */
  #remaining: number | null = null
  /** an answer that is looked into for secrets before it is passed on */
  #held: HeldAnswer | null = null
  #rewriter: OriginRewriter | null = null

  constructor (task: RelayTask) {
    this.#task = task
    this.#body = hasBody(task.request) ? new RequestBody(task.request, task.exchange) : null
  }

  start (): void {
    this.#task.exchange.tearDown = () => { this.#onClose() }
    this.#send()
  }

  #send (): void {
    const { upstream, request, target, exchange, makeHeaders } = this.#task
    exchange.attempts++
    upstream.dispatch({ method: request.method as Dispatcher.HttpMethod, path: target, headers: makeHeaders(), body: this.#body }, this)
  }

  onConnect (abort: (reason?: Error) => void): void {
    if (this.#clientGone) return abort()
    this.#abort = abort
    // RFC 9110 §10.1.1: a client that expects 100 holds its body back until now, when there is somebody to take it.
    if (this.#body !== null && expectsContinue(this.#task.request) && !this.#task.exchange.continued) this.#task.response.writeContinue()
  }

  onHeaders (status: number, rawHeaders: Buffer[], resume: () => void, reason: string): boolean {
    if (status < 200) return true // MAAS sends no interim answers; undici refuses 100 and 101
    const { response, origin, request, clock, rewriteBody } = this.#task
    const clientOrigin = `http://${request.headers.host ?? 'localhost'}`
    const plain = responseHead(status, reason, rawHeaders)
    if (plain.date !== null) clock.learnFromDate(plain.date)
    // Whatever is thrown here, undici hands to `onError`.
    if (rewriteBody && status === 200) this.#rewriter = new OriginRewriter(origin, clientOrigin)
    const head = status >= 300 && status < 400 ? redirect(plain, origin, clientOrigin) : this.#rewriter !== null ? withoutLength(plain) : plain
    if (mustBeHeld(head)) {
      this.#held = new HeldAnswer(head)
      return true
    }
    this.#begin(head, null)
    if (BODILESS.has(status)) {
      response.end() // whatever length it announces, nothing follows (RFC 9112 §6.3)
      return true
    }
    response.on('drain', resume)
    this.#remaining = head.contentLength
    // A small answer has its body in this same tick and goes out in one write with its head; a slow one does not wait for it.
    process.nextTick(flushHead, response, this.#task.exchange)
    return true
  }

  onData (chunk: Buffer): boolean {
    const { response, exchange } = this.#task
    exchange.responseBytes += chunk.length
    buffersPassed(chunk.length)
    if (this.#held !== null) {
      this.#held.push(chunk)
      return true
    }
    if (this.#rewriter !== null) return response.write(this.#rewriter.write(chunk))
    if (this.#remaining !== null) this.#remaining -= chunk.length
    if (this.#remaining !== 0) return response.write(chunk)
    response.end(chunk)
    return true
  }

  onComplete (): void {
    if (this.#held !== null && this.#resend(this.#held)) return
    if (this.#held !== null) this.#release(this.#held)
    this.#done = true
    if (!this.#task.response.writableEnded) this.#task.response.end(this.#rewriter?.end())
  }

  onError (error: Error): void {
    this.#done = true
    this.#body?.destroy()
    if (this.#clientGone) return
    if (this.#task.response.writableEnded) return // the client has the whole answer
    const failure = explainFailure(error)
    if (!this.#task.response.headersSent) return this.#task.onFailure(failure)
    this.#task.exchange.error = failure.code
    cutOff(this.#task.response)
  }

  /** Passes the head of an answer on, with a hint beside what MAAS says. @param body if it is known, for the hint */
  #begin ({ status, reason, headers }: Pick<ResponseHead, 'status' | 'reason' | 'headers'>, body: string | null): void {
    const { response, exchange, onAnswer } = this.#task
    exchange.hint = status < 400 ? null : findHint({ status, access: exchange.access as Access, retryAfter: valueOf(headers, 'retry-after'), challenge: valueOf(headers, 'www-authenticate'), body })
    response.writeHead(status, reason, exchange.hint === null ? headers : [...headers, 'MAAS-Proxy-Hint', exchange.hint])
    onAnswer()
  }

  /**
   * Sends a request once more if MAAS refused it for its timestamp alone: it authenticates before it does anything, so
   * nothing has happened yet. Not one with a body, which is gone.
   */
  #resend ({ body }: HeldAnswer): boolean {
    const { clock, exchange } = this.#task
    if (!clock.learnFromRefusal(body.toString('latin1')) || this.#body !== null || exchange.attempts > 1 || exchange.access !== 'signed') return false
    this.#held = null
    exchange.responseBytes = 0
    this.#send()
    return true
  }

  #release ({ head, body }: HeldAnswer): void {
    const masked = this.#task.maskSecret({ headers: head.headers, body })
    this.#begin({ ...head, headers: masked.headers }, masked.body.toString('latin1'))
    this.#task.response.end(masked.body)
  }

  #onClose (): void {
    this.#body?.destroy()
    if (this.#done) return
    this.#clientGone = !this.#task.response.writableFinished
    if (this.#clientGone) this.#abort?.()
  }
}

function flushHead (response: ServerResponse, exchange: Exchange): void {
  if (exchange.responseBytes === 0 && !response.writableEnded && !response.destroyed) response.flushHeaders()
}

/**
 * Ends a connection so that no client takes what it got for the whole answer. A body that ends with the connection
 * (HTTP/1.0) would look complete after an orderly close, so it gets a reset where the transport has one.
 */
function cutOff (response: ServerResponse): void {
  const { httpVersion, socket } = response.req
  if (httpVersion === '1.0' && socket.remoteAddress !== undefined) socket.resetAndDestroy()
  else response.destroy()
}
