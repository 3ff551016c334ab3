import type { ProxyError } from '../errors.ts'
import type { DeliveredPart } from './delivered-part.ts'

/** A request to MAAS, as the readers of its answer see it. */
export interface AnswerSource {
  /** the id of the client's request that was sent */
  readonly id: string
  /** Removes a reader. When the last one leaves, the request is aborted. */
  leave (reader: AnswerReader): void
  /** Lets MAAS go on after a pause. */
  resume (): void
  /** Ends the request with an error for all of its readers. */
  abort (error: Error): void
  /** Called once for each reader, when its client has the answer or has left. */
  release (): void
}

/** A client's request that reads the answer of MAAS, alone or with others that asked for the same. */
export interface AnswerReader {
  /** bytes that are kept until the client takes them */
  readonly backlog: number
  /** whether it needs nothing more from MAAS */
  readonly isComplete: boolean
  /** the body of a 401 of which the client has got nothing yet; null for any other answer */
  readonly refusal: Buffer | null
  /** Called for a read that waited, when the request of another one is going to be sent for both. */
  join (source: AnswerSource): void
  /** Called when the request is given to the connection pool. */
  onSend (): void
  /** Called when the answer is of no use and the request is sent once more. Nothing of it has reached the client. */
  onRepeat (): void
  /** @throws ProxyError if the head cannot be forwarded */
  onHead (status: number, rawHeaders: readonly Buffer[], reason: string): void
  /**
   * @returns whether the client keeps up
   * @throws ProxyError if the part cannot be forwarded
   */
  onData (chunk: Buffer): boolean
  /** Makes the reader resume its source when the client has taken what it was sent. */
  awaitDrain (): void
  /**
   * Called when the client is too far behind the other readers, which go on without it.
   * @param delivered what it has got of the answer
   */
  onLeftBehind (delivered: DeliveredPart): void
  /** @throws ProxyError if the answer cannot be forwarded */
  onEnd (): void
  /** Called when the answer failed, at its start or in the middle. */
  onFailure (failure: ProxyError): void
}
