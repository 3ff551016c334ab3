import type { Writable } from 'node:stream'

/** How long a line may wait for others, in milliseconds: nobody who reads along notices, and a busy proxy has a hundred by then. */
const WAIT_MS = 20

/** How much may wait: more in one write saves nothing more, and what waits for long is moved about by V8's collector. */
const MAX_LENGTH = 16 * 1024

/**
 * Writes lines together that come within a moment. A write is a system call, and for a file or a pipe one that is waited for: under
 * load it would cost more than all the rest of a line.
 */
export class JoinedLines {
  readonly #stream: Writable
  #lines = ''
  #timer: NodeJS.Timeout | undefined

  constructor (stream: Writable) {
    this.#stream = stream
  }

  write (line: string): void {
    this.#lines += line
    if (this.#lines.length >= MAX_LENGTH) return this.flush()
    this.#timer ??= setTimeout(() => { this.flush() }, WAIT_MS)
  }

  /** Writes what is there now, as before the end of the process. */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#stream.write(lines)
  }
}
