import type { Socket } from 'node:net'
import { ProxyError } from '../errors.ts'

/** Maximum number of bytes that bring neither the head of an answer nor a part of its body. */
const MAX_IDLE_BYTES = 128 * 1024

const NOTHING: Buffer = Buffer.alloc(0)

/** The shortest beginning of an interim response that tells it from every other: RFC 9112 §4, RFC 9110 §15.2. */
const SAMPLE = 'HTTP/1.1 100 '

const INTERIM = /^HTTP\/1\.\d 1\d\d[ \r]/

/** A switch of protocols, which the proxy does not ask for. What follows it is not HTTP. */
const SWITCH = /^HTTP\/1\.\d 101/

/** The place of the first digit of the status, which tells most answers from interim ones. */
const STATUS_AT = SAMPLE.indexOf('1', 9)
const ONE = 0x31

/** Codes of a write that failed because the other side has closed the connection. */
const CLOSED: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET'])

/**
 * What undici reads from a connection, and how it learns of a failed write.
 *
 * - Interim responses are left out. A client has to be able to parse them even if it did not ask for any (RFC 9110
 *   §15.2), and undici is not. They are not forwarded, because clients of the time of MAAS take a 103 for the answer.
 * - A write that fails does not end the connection while an answer may wait to be read: a server that refuses an upload
 *   answers, and closes before it has read the rest.
 * - Bytes that bring nothing, such as an endless extension of a chunk, end the connection.
 */
export class Wire {
  readonly #socket: Socket
  #isBeforeHead = true
  /** the beginning of what may be an interim response */
  #held = NOTHING
  #idleBytes = 0

  constructor (socket: Socket) {
    this.#socket = socket
    const read = socket.read.bind(socket)
    socket.read = (size?: number) => {
      if (size === 0) return read(0) as null
      for (let chunk: Buffer | null; (chunk = read(size) as Buffer | null) !== null;) {
        const rest = this.#take(chunk)
        if (rest.length > 0) return rest
      }
      return null
    }
    const { _write: write, _writev: writev } = socket
    socket._write = (chunk, encoding, done) => { write.call(socket, chunk, encoding, this.#afterRead(done)) }
    socket._writev = (chunks, done) => { writev?.call(socket, chunks, this.#afterRead(done)) }
  }

  /** Prepares for the answer to a request that is about to be written. */
  expectAnswer (): void {
    this.#isBeforeHead = true
    this.#idleBytes = 0
  }

  /** Records that a part of the body has arrived. */
  progress (): void {
    this.#idleBytes = 0
  }

  /** @returns the bytes for undici */
  #take (chunk: Buffer): Buffer {
    if (this.#idleBytes > MAX_IDLE_BYTES) {
      return this.#reject(`MAAS has sent more than ${MAX_IDLE_BYTES / 1024} KiB that are no part of an answer`)
    }
    this.#idleBytes += chunk.length
    return this.#isBeforeHead ? this.#withoutInterim(chunk) : chunk
  }

  #withoutInterim (chunk: Buffer): Buffer {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (;;) {
      const start = bytes[STATUS_AT] === undefined || bytes[STATUS_AT] === ONE
        ? bytes.toString('latin1', 0, SAMPLE.length)
        : ''
      if (start === '' || !INTERIM.test(start + SAMPLE.slice(start.length))) {
        this.#isBeforeHead = bytes.length === 0
        this.#held = NOTHING
        return bytes
      }
      if (SWITCH.test(start)) return this.#reject('MAAS switches to another protocol (101) without being asked')
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#held = bytes
        return NOTHING
      }
      bytes = bytes.subarray(end + 4)
    }
  }

  #reject (message: string): Buffer {
    this.#socket.destroy(new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message }))
    return NOTHING
  }

  /** Makes a callback of a write that is not called for an error that reading will find as well. */
  #afterRead (done: (error?: Error | null) => void): (error?: NodeJS.ErrnoException | null) => void {
    return error => {
      if (error == null || this.#socket.readableEnded || !CLOSED.has(String(error.code))) done(error)
    }
  }
}
