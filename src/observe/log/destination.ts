import type { Writable } from 'node:stream'
import type { DestinationStream } from 'pino'
import SonicBoom from 'sonic-boom'

/** Bytes that are written together. A record more is one system call less. */
const MIN_WRITE_BYTES = 4096

/** Longest time that a record waits for others. A process that is killed loses at most this. */
const FLUSH_INTERVAL_MS = 100

/** Bytes of records that wait for a reader; records beyond that are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Longest time that the end of the process waits for a reader. */
const CLOSE_TIMEOUT_MS = 1000

/** Where a log goes. */
export interface LogDestination extends DestinationStream {
  /** Writes what waits, before the process goes on to end; gives up on a reader that does not read. */
  close (): Promise<void>
  /** Writes what waits at once, as when the process ends without notice. */
  flushNow (): void
}

/**
 * Opens the destination of a log. Writes to a file descriptor never block the event loop, whoever reads it: a pipe that nobody reads or a
 * stopped terminal costs records, which are counted, and nothing else.
 * @param stream one with a descriptor, as `process.stdout`, or any other, which then gets each record by itself
 * @param onLost called with the number of dropped records once records are written again
 */
export function openDestination (stream: Writable, onLost: (records: number) => void): LogDestination {
  if (!('fd' in stream) || typeof stream.fd !== 'number') {
    return { write: text => { stream.write(text) }, close: async () => {}, flushNow () {} }
  }
  // Not `pino.destination`, which tries to write at the end of the process for as long as nobody reads.
  const destination = new SonicBoom.SonicBoom({
    fd: stream.fd,
    sync: false,
    minLength: MIN_WRITE_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => !isEnding // a full pipe: later, unless there is no later
  })
  let lost = 0
  let isEnding = false
  destination.on('drop', () => { lost++ })
  destination.on('drain', () => {
    if (lost === 0) return
    const records = lost
    lost = 0
    onLost(records)
  })
  destination.on('error', () => {}) // the reader has gone: the log ends, the service does not
  return {
    write: text => { destination.write(text) },
    async close () {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
      destination.once('error', resolve)
      destination.flush(() => { resolve() })
      await promise
      clearTimeout(timer)
      flushNow()
    },
    flushNow
  }

  function flushNow (): void {
    isEnding = true
    try {
      destination.flushSync()
    } catch {
      // Nobody reads; the process ends all the same.
    }
  }
}
