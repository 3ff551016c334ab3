import { lookup as lookupByCallback, type LookupAddress } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { errors } from 'undici'

/** The time between the starts of two attempts (RFC 8305 §5, Connection Attempt Delay). */
const ATTEMPT_DELAY_MS = 250

/** How long a name server may take while the address of the last connection is known. */
const LOOKUP_MS = 2000

const SOCKET_OPTIONS = {
  noDelay: true,
  // After this silence the system asks whether the other side is still there, once a second. After ten questions
  // without an answer it ends the connection.
  keepAlive: true,
  keepAliveInitialDelay: 4000,
  highWaterMark: 64 * 1024 // bytes to buffer for the reader; as many as undici asks for
}

/**
 * Runs an action that has to end within a time.
 * @param act gets a signal that aborts when the time is over; it has to reject then, and to close what it has opened
 * @throws what the action throws; the reason of the signal is a ConnectTimeoutError of undici
 */
export async function withDeadline<T> (timeoutMs: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const onTimeout = () => { controller.abort(new errors.ConnectTimeoutError(`no connection within ${timeoutMs} ms`)) }
  const timer = setTimeout(onTimeout, timeoutMs)
  try {
    return await act(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves or rejects with a promise, or rejects when a signal aborts. */
export async function unlessAborted<T> (signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  return await Promise.race([promise, new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      const reason: Error = signal.reason
      reject(reason)
    })
  })])
}

/**
 * Opens TCP connections to a host that may have several addresses (Happy Eyeballs, RFC 8305). Node's own
 * `autoSelectFamily` gives up on an address after a quarter of a second; here an attempt lasts until another succeeds.
 */
export class Dialer {
  /** the address of the last connection */
  #last: string | null = null
  /** the lookup that is under way; the system does only a few at once, and a dead name server takes it long */
  #lookup: Promise<string[]> | null = null

  /**
   * Opens a connection.
   * @param host a name or an address
   * @param signal ends all attempts
   * @throws the error of the first attempt that failed, if all failed, or of the lookup
   */
  async dial (host: string, port: number, signal: AbortSignal): Promise<Socket> {
    const addresses = isIP(host) === 0 ? await this.#resolve(host, signal) : [host]
    const socket = await race(preferring(this.#last, addresses), port, signal)
    this.#last = socket.remoteAddress as string
    return socket
  }

  /** Looks up a name. While its server does not answer, the name keeps the address of the last connection. */
  async #resolve (host: string, signal: AbortSignal): Promise<string[]> {
    this.#lookup ??= resolve(host).finally(() => { this.#lookup = null })
    const last = this.#last
    const wait = last === null ? [] : [delay(LOOKUP_MS, [last], { ref: false })]
    try {
      return await unlessAborted(signal, Promise.race([this.#lookup, ...wait]))
    } catch (error) {
      if (signal.aborted) {
        throw Object.assign(new Error('the name server has not answered in time'), { code: 'EAI_AGAIN' })
      }
      if (last === null || (error as NodeJS.ErrnoException).code === 'ENOTFOUND') throw error
      return [last]
    }
  }
}

/** Looks up the addresses of a name. */
async function resolve (name: string): Promise<string[]> {
  // Promisified here, so that a test may replace the lookup.
  return interleave(await promisify(lookupByCallback)(name, { all: true }))
}

/** Sorts addresses so that the families take turns, and keeps the order of each (RFC 8305 §4). */
export function interleave (addresses: readonly LookupAddress[]): string[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return Array.from({ length: addresses.length }, (_, i) => [first[i], second[i]]).flat()
    .flatMap(one => one === undefined ? [] : [one.address])
}

/** Puts an address that is among others first. */
function preferring (preferred: string | null, addresses: readonly string[]): string[] {
  return [...addresses.filter(one => one === preferred), ...addresses.filter(one => one !== preferred)]
}

/** Tries addresses one after another, without ending the attempts before; the first connection wins. */
async function race (addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  const waiting = [...addresses]
  const attempts = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined
  let failure: Error | undefined
  try {
    const winner = await unlessAborted(signal, new Promise<Socket>((resolve, reject) => {
      const tryNext = () => {
        clearTimeout(timer)
        const host = waiting.shift()
        if (host === undefined) {
          if (attempts.size === 0) reject(failure)
          return
        }
        const socket = connect({ ...SOCKET_OPTIONS, host, port })
        attempts.add(socket)
        socket.once('connect', () => { resolve(socket) })
        socket.on('error', error => {
          failure ??= error
          if (attempts.delete(socket)) tryNext()
        })
        timer = setTimeout(tryNext, ATTEMPT_DELAY_MS)
      }
      tryNext()
    }))
    attempts.delete(winner)
    return winner
  } finally {
    clearTimeout(timer)
    for (const socket of attempts) socket.destroy()
  }
}
