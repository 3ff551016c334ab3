import { byName, connectionOptions, HOP_BY_HOP } from '../http/fields.ts'
import { VIA } from '../http/via.ts'
import { withoutFields } from './response-head.ts'

/** Fields that are never forwarded to MAAS, each with its reason. */
const DROPPED_FIELDS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'host', // MAAS copies it into URLs and preseeds; undici sends MAAS's own name
  'authorization', // ours replaces it, and MAAS's nginx refuses two
  'expect', // the proxy answers it (RFC 9110 §10.1.1)
  'cookie', // a session outranks OAuth, and a stray `sessionid` makes every write a CSRF failure (`middleware.py`)
  'cookie2',
  'forwarded', // MAAS trusts the first address in it, for audit and the choice of a rack
  'x-real-ip'
])

/** Prefixes of names that are never forwarded: a proxy's statements on its client, and a client's to this proxy. */
const DROPPED_PREFIXES = ['x-forwarded-', 'maas-proxy-'] as const

/**
 * Builds the header for MAAS: the client's fields, with order, duplicates and spelling kept, then ours. Fields that
 * `Connection` names are dropped first, so that it cannot remove ours.
 * @param rawHeaders names and values in turns, as in Node
 * @param connection the client's whole `Connection` value
 * @param authorization our `Authorization`; null for an anonymous request
 * @returns names and values in turns
 */
export function requestHeaders (
  rawHeaders: readonly string[], connection: string | undefined, authorization: string | null
): string[] {
  const connectionFields = connection === undefined ? [] : connectionOptions(connection)
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!isForwarded(name)) continue
    if (connectionFields.length > 0 && connectionFields.includes(name.toLowerCase())) continue
    headers.push(name, rawHeaders[i + 1] as string)
  }
  headers.push('Via', VIA)
  if (authorization !== null) headers.push('Authorization', authorization)
  return headers
}

/**
 * Asks for an answer without a content coding (RFC 9110 §12.5.3), because the proxy reads the body.
 * @param headers names and values in turns
 */
export function withoutCoding (headers: readonly string[]): string[] {
  return [...withoutFields(headers, ['accept-encoding']), 'Accept-Encoding', 'identity']
}

/** WSGI maps `_` and `-` to the same character, so `x_forwarded_for` counts as `x-forwarded-for`. */
const isForwarded = byName(name => {
  const folded = name.replaceAll('_', '-')
  // `content_type` could contradict the `Content-Type` that admission has checked.
  if (folded !== name && folded.startsWith('content-')) return false
  return !DROPPED_FIELDS.has(folded) && !DROPPED_PREFIXES.some(prefix => folded.startsWith(prefix))
})
