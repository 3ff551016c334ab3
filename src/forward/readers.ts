import type { ProxyError } from '../errors.ts'
import type { BacklogBudget, SharedBacklog } from '../upstream/backlog-budget.ts'
import { DeliveredPart } from './delivered-part.ts'
import type { AnswerReader } from './reader.ts'

/** How far a reader may be behind while others keep up, in bytes, if the memory for more is used. */
const MAX_BACKLOG_BYTES = 1024 * 1024

/** The readers of one answer: the client that sent the request, and those whose reads share it. */
export class Readers implements SharedBacklog {
  readonly #all: readonly AnswerReader[]
  readonly #budget: BacklogBudget | null
  #current: readonly AnswerReader[]
  /** the number of readers whose clients have not taken the whole answer */
  #unreleased: number
  /** the part that all readers have got; null for a single reader, for which MAAS waits */
  #delivered: DeliveredPart | null = null

  /** @param all at least one @param budget the memory for slow ones; null where no read is shared */
  constructor (all: readonly AnswerReader[], budget: BacklogBudget | null) {
    this.#all = all
    this.#current = all
    this.#unreleased = all.length
    this.#budget = budget
    if (this.#isShared) budget?.add(this)
  }

  get #isShared (): boolean { return this.#current.length > 1 }

  get bytes (): number { return Math.max(...this.#all.map(({ backlog }) => backlog)) }

  /** Whether all have left. */
  get isEmpty (): boolean { return this.#current.length === 0 }

  /** The body of a 401 of which no client has got anything yet; null for any other answer. */
  get refusal (): Buffer | null { return this.#current[0]?.refusal ?? null }

  /** Removes a reader. It gets nothing more. */
  remove (reader: AnswerReader): void {
    this.#current = this.#current.filter(one => one !== reader)
  }

  /** Called once for each reader, when its client has the answer or has left. */
  release (): void {
    if (--this.#unreleased === 0) this.#budget?.delete(this)
  }

  onSend (): void {
    for (const reader of this.#current) reader.onSend()
  }

  onRepeat (): void {
    for (const reader of this.#current) reader.onRepeat()
  }

  /** @throws ProxyError if a reader cannot forward the head */
  onHead (status: number, rawHeaders: readonly Buffer[], reason: string): void {
    for (const reader of this.#current) reader.onHead(status, rawHeaders, reason)
    if (this.#isShared) this.#delivered = DeliveredPart.ofHead(status, rawHeaders)
  }

  /**
   * @returns whether a client keeps up
   * @throws ProxyError if a reader cannot forward the part
   */
  onData (chunk: Buffer): boolean {
    let keepsUp = false
    for (const reader of this.#current) if (reader.onData(chunk)) keepsUp = true
    if (this.#isShared) this.#leaveBehind(chunk)
    return keepsUp
  }

  awaitDrain (): void {
    for (const reader of this.#current) reader.awaitDrain()
  }

  /** @throws ProxyError if a reader cannot forward the answer */
  onEnd (): void {
    for (const reader of this.#current) reader.onEnd()
  }

  onFailure (failure: ProxyError): void {
    for (const reader of this.#current) reader.onFailure(failure)
  }

  /** Goes on without the readers that are too far behind, but never without all. @param chunk what they have got */
  #leaveBehind (chunk: Buffer): void {
    const delivered = this.#delivered as DeliveredPart
    delivered.add(chunk)
    for (const reader of this.#current) {
      if (reader.backlog <= MAX_BACKLOG_BYTES || reader.isComplete || !this.#isShared) continue
      if (this.#budget?.isUsed !== true) return
      this.remove(reader)
      reader.onLeftBehind(delivered.copy())
    }
  }
}
