import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { memoize } from '../performance/memoize.ts'

/**
 * Fields that belong to one connection and are never forwarded, in either direction: those of RFC 9110 §7.6.1, and
 * those that it says are commonly sent without being named in `Connection`.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings' // RFC 7540 §3.2.1: goes with `Upgrade: h2c`
])

/**
 * Creates a function that decides on a field by its name, in any case.
 * @param decide a pure function that gets the name in lower case
 */
export function byName<T extends {}> (decide: (name: string) => T): (spelling: string) => T {
  return memoize(spelling => decide(spelling.toLowerCase()))
}

/** Whether a request has a body: a length or a transfer coding says so (RFC 9112 §6.3). */
export function hasBody ({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether a client holds its body back until it gets a 100 (RFC 9110 §10.1.1: in HTTP/1.1 only). */
export function expectsContinue ({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.expect !== undefined
}

/** The origin by which a client reached this server, according to its `Host`: `http://localhost:5241`. */
export function ownOrigin ({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  return `${isEncrypted(socket) ? 'https' : 'http'}://${headers.host ?? 'localhost'}`
}

/** Whether a connection has TLS. */
export function isEncrypted (socket: Socket): boolean {
  return 'encrypted' in socket
}

/**
 * The fields that a `Connection` value names (RFC 9110 §7.6.1).
 * @returns names in lower case, without the options `close` and `keep-alive`, which are no fields
 */
export const connectionOptions: (value: string) => readonly string[] = memoize(value => (
  value.toLowerCase().split(',')
    .map(option => option.trim())
    .filter(option => option !== '' && option !== 'close' && option !== 'keep-alive')
))
