import type { Writable } from 'node:stream'

/**
 * Writes the lines of one turn of the event loop at once. A write is a system call, and for a file or a pipe one that is waited for:
 * under load it would cost more than all the rest of a line.
 */
export class JoinedLines {
  readonly #stream: Writable
  #lines = ''

  constructor (stream: Writable) {
    this.#stream = stream
  }

  write (line: string): void {
    if (this.#lines === '') setImmediate(() => { this.flush() })
    this.#lines += line
  }

  /** Writes what is there now, as before the end of the process. */
  flush (): void {
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#stream.write(lines)
  }
}
