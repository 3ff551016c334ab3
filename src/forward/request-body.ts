import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { BodyStart } from '../admit/admitted.ts'
import type { Exchange } from '../exchange/exchange.ts'

/** Bytes held between client and MAAS; a slower MAAS stops the client by TCP. */
const HIGH_WATER_MARK = 64 * 1024

/**
 * The body of a client's request, to be read by undici. It stands between the two because undici destroys a body when an
 * answer comes early (a 413, say), and destroying the client's own stream would cut the connection before the client has
 * read that answer. What is left of the body then is read and dropped.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage
  readonly #onData: (chunk: Buffer) => void
  readonly #onEnd = () => { this.push(null) }

  constructor (source: IncomingMessage, start: BodyStart | null, exchange: Exchange) {
    super({ highWaterMark: HIGH_WATER_MARK })
    this.#source = source
    this.#onData = chunk => {
      exchange.requestBytes += chunk.length
      if (!this.push(chunk)) source.pause()
    }
    if (start !== null) this.#onData(start.bytes)
    if (start?.complete === true) this.#onEnd()
    else source.on('data', this.#onData).on('end', this.#onEnd).pause()
    // undici listens only while it writes; an error before or after that has nobody to tell.
    this.on('error', () => {})
  }

  override _read (): void {
    this.#source.resume()
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    this.#source.off('data', this.#onData).off('end', this.#onEnd).resume()
    callback(error)
  }
}
