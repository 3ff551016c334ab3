import type { Writable } from 'node:stream'

/** How long a line may wait for others, in milliseconds: nobody who reads along notices, and a busy proxy has a hundred by then. */
const WAIT_MS = 20

/** How much may wait: more in one write saves nothing more. */
const SIZE_BYTES = 16 * 1024

/** A UTF-16 unit takes at most so many bytes in UTF-8. */
const MAX_BYTES_OF_UNIT = 3

/**
 * Writes lines together that come within a moment. A write is a system call, and for a file or a pipe one that is waited for: under
 * load it would cost more than all the rest of a line. Each is made bytes at once: texts that wait would be moved about by V8's collector.
 */
export class JoinedLines {
  readonly #stream: Writable
  readonly #bytes = Buffer.allocUnsafe(SIZE_BYTES)
  #length = 0
  #timer: NodeJS.Timeout | undefined

  constructor (stream: Writable) {
    this.#stream = stream
  }

  write (line: string): void {
    const most = line.length * MAX_BYTES_OF_UNIT
    if (this.#length + most > SIZE_BYTES) this.flush()
    if (most > SIZE_BYTES) {
      this.#stream.write(line)
      return
    }
    this.#length += this.#bytes.write(line, this.#length)
    this.#timer ??= setTimeout(() => { this.flush() }, WAIT_MS)
  }

  /** Writes what is there now, as before the end of the process. */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#length === 0) return
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#length)) // the stream may keep it
    this.#length = 0
    this.#stream.write(bytes)
  }
}
