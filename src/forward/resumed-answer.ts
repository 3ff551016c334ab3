import { type ErrorCode, ProxyError } from '../errors.ts'
import type { Answer } from './answer.ts'
import { DeliveredPart } from './delivered-part.ts'

/**
 * The answer to the own request of a reader that was left behind by a shared one. The reader gets the rest of its
 * answer from it. If the part that was delivered before has changed, the client's answer is cut off.
 */
export class ResumedAnswer {
  readonly #answer: Answer
  readonly #delivered: DeliveredPart
  #again: DeliveredPart | null = null

  /**
   * @param answer the answer that was begun
   * @param delivered what it has got so far
   */
  constructor (answer: Answer, delivered: DeliveredPart) {
    this.#answer = answer
    this.#delivered = delivered
  }

  /** Always null: the client has got a part, so another request would not help. */
  get refusal (): null { return null }

  head (status: number, rawHeaders: readonly Buffer[]): void {
    this.#again = DeliveredPart.ofHead(status, rawHeaders)
  }

  /**
   * @returns whether the client can take more
   * @throws ProxyError MAAS_PROXY_SHARED_ANSWER_CHANGED if the part before differs
   */
  data (chunk: Buffer): boolean {
    const again = this.#again as DeliveredPart
    const missing = this.#delivered.bytes - again.bytes
    if (missing === 0) return this.#answer.data(chunk)
    again.add(chunk.subarray(0, missing))
    if (chunk.length < missing) return true
    if (!again.equals(this.#delivered)) throw new ProxyError('MAAS_PROXY_SHARED_ANSWER_CHANGED')
    return this.#answer.data(chunk.subarray(missing))
  }

  /** @throws ProxyError MAAS_PROXY_SHARED_ANSWER_CHANGED if it is shorter than what the client has got */
  end (): void {
    const { bytes } = this.#again as DeliveredPart
    if (bytes < this.#delivered.bytes) throw new ProxyError('MAAS_PROXY_SHARED_ANSWER_CHANGED')
    this.#answer.end()
  }

  cutOff (code: ErrorCode): void {
    this.#answer.cutOff(code)
  }

  /** The answer to another attempt. */
  repeated (): ResumedAnswer {
    return new ResumedAnswer(this.#answer, this.#delivered)
  }
}
