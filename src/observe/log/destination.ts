import type { Writable } from 'node:stream'
import type { DestinationStream } from 'pino'
import SonicBoom from 'sonic-boom'
import { isTerminal } from '../../text/terminal.ts'

/** Bytes that are collected before a write, to save system calls. */
const MIN_WRITE_BYTES = 4096

/** Longest time that a record is held back. A killed process loses at most the records of this time. */
const FLUSH_INTERVAL_MS = 100

/** Bytes that wait for the reader; records beyond that are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Longest time that the end of the process waits for the reader. */
const CLOSE_TIMEOUT_MS = 1000

/** Where a log goes. */
export interface LogDestination extends DestinationStream {
  /** Writes the remaining records; resolves after a second at most, even if nobody reads. */
  close (): Promise<void>
}

/**
 * Opens the destination of a log. Writes to a file descriptor never block the event loop: a pipe that nobody reads or a
 * stopped terminal costs log records, never requests.
 * @param stream one with a file descriptor, such as `process.stdout`; any other gets each record in a write of its own
 * @param onLost called with the number of dropped records as soon as records are written again
 */
export function openDestination (stream: Writable, onLost: (records: number) => void): LogDestination {
  if (!('fd' in stream) || typeof stream.fd !== 'number') {
    return { write: text => { stream.write(text) }, close: async () => {} }
  }
  if (isTerminal(stream)) setNonBlocking(stream)
  // Not `pino.destination`: at the end of the process it retries until somebody reads.
  const destination = new SonicBoom.SonicBoom({
    fd: stream.fd,
    sync: false,
    minLength: MIN_WRITE_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => !isEnding // the pipe is full: retry, unless the process ends
  })
  let lost = 0
  let isEnding = false
  let hasFailed = false
  destination.on('drop', () => { lost++ })
  destination.on('drain', () => {
    if (lost === 0) return
    const records = lost
    lost = 0
    onLost(records)
  })
  // The reader has gone, or the disk is full: the proxy serves on, and logs on if there is room again.
  destination.on('error', () => { hasFailed = true })
  destination.on('write', () => { hasFailed = false })
  return {
    write: text => { destination.write(text) },
    async close () {
      if (hasFailed) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
      // The first call ends with the write that runs, the second writes what has come since.
      destination.flush(() => { destination.flush(() => { resolve() }) })
      await promise
      clearTimeout(timer)
      isEnding = true
    }
  }
}

/** The part of Node's streams for terminals that has no public name. */
interface TerminalStream { _handle?: { setBlocking?: (isBlocking: boolean) => void } | null }

/**
 * Node makes writes to a terminal block. While Ctrl-S stops the terminal, one would keep a thread, and with it the end
 * of the process. Node has opened the terminal for itself, so that the mode is this process's own.
 */
function setNonBlocking (stream: Writable): void {
  (stream as TerminalStream)._handle?.setBlocking?.(false)
}
