import type { IncomingMessage } from 'node:http'
import { memoize } from '../performance/memoize.ts'

/**
 * Fields that belong to one connection and are never forwarded, in either direction: RFC 9110 §7.6.1 and what it lists
 * as commonly sent without being named in `Connection`.
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
 * Decides on fields by their names, and remembers each decision by the spelling.
 * @param decide gets the name in lower case
 */
export function byName<T extends {}> (decide: (name: string) => T): (spelled: string) => T {
  return memoize(spelled => decide(spelled.toLowerCase()))
}

/** Whether a request has a body (RFC 9112 §6.3: it does if a length or a transfer coding says so). */
export function hasBody ({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether a client holds its body back until it is told to send it (RFC 9110 §10.1.1: in HTTP/1.1 only). */
export function expectsContinue ({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.expect !== undefined
}

/** Scheme, host and port by which a client reached this server, as it says in `Host`. */
export function ownOrigin ({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  return `${'encrypted' in socket ? 'https' : 'http'}://${headers.host ?? 'localhost'}`
}

/** No names of fields, which is what `Connection` mostly lists; one for all, so that it costs nothing. */
export const NO_FIELDS: readonly string[] = []

/** The fields that a `Connection` value names, in lower case, without `close` and `keep-alive` (RFC 9110 §7.6.1). */
export function connectionOptions (value: string): readonly string[] {
  if (value === 'keep-alive' || value === 'close') return NO_FIELDS
  return value.toLowerCase().split(',').map(option => option.trim()).filter(option => option !== '' && option !== 'close' && option !== 'keep-alive')
}
