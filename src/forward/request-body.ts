import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { BodyStart } from '../admit/admitted.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { lingerOnClose } from '../http/lingering-close.ts'
import { BodyWatch } from './body-watch.ts'
import type { FormWatch } from './form-watch.ts'

/** Bytes buffered between client and MAAS. When the buffer is full, TCP stops the client. */
const HIGH_WATER_MARK = 64 * 1024

interface Patience {
  ms: number
  onSilence: () => void
}

/**
 * The body of a client's request, for undici to read. undici destroys a body when an answer comes early, such as a 413.
 * Destroying the client's own stream would close the connection before the client has read that answer, so this stream
 * stands between the two. When it is destroyed, the rest of the client's body is read and dropped.
 */
export class RequestBody extends Readable {
  readonly #source: IncomingMessage
  readonly #onData: (chunk: Buffer) => void
  readonly #onEnd: () => void
  readonly #watch: BodyWatch
  readonly #form: FormWatch

  /**
   * @param start the part that admission has read; null if there is none
   * @param exchange counts the bytes
   * @param form gets all bytes, also those that are dropped
   * @param patience how long the client may send nothing while its bytes are waited for, and what is called then
   */
  constructor (
    source: IncomingMessage, start: BodyStart | null, exchange: Exchange, form: FormWatch, { ms, onSilence }: Patience
  ) {
    super({ highWaterMark: HIGH_WATER_MARK })
    this.#source = source
    lingerOnClose(source)
    this.#watch = new BodyWatch(ms, onSilence)
    this.#form = form
    this.#onData = chunk => {
      this.#watch.end()
      exchange.requestBytes += chunk.length
      form.write(chunk)
      if (!this.push(chunk)) source.pause()
    }
    this.#onEnd = () => {
      this.#watch.stop()
      form.end()
      this.push(null)
    }
    if (start !== null) this.#onData(start.bytes)
    if (start?.isComplete === true) this.#onEnd()
    else source.on('data', this.#onData).on('end', this.#onEnd).pause()
    // undici listens only while it writes. At other times an error without a listener would end the process.
    this.on('error', () => {})
  }

  override _read (): void {
    this.#watch.begin()
    this.#source.resume()
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    this.#watch.stop()
    this.#source.off('data', this.#onData).off('end', this.#onEnd)
    if (!this.#source.readableEnded) {
      this.#source.on('data', chunk => { this.#form.write(chunk) }).on('end', () => { this.#form.end() })
    }
    this.#source.resume()
    callback(error)
  }
}
