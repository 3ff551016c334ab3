import { VIA } from '../http/via.ts'
import { byName, connectionOptions, HOP_BY_HOP, NO_FIELDS } from '../http/fields.ts'

/** Fields that are never forwarded to MAAS, each with its reason. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'host', // MAAS renders it into URLs and preseeds: it gets its own name, from undici
  'authorization', // ours replaces it, and MAAS's nginx refuses two
  'expect', // answered here (RFC 9110 §10.1.1)
  'cookie', // a session outranks OAuth, and a stray `sessionid` makes every write a CSRF failure (`middleware.py`)
  'cookie2',
  'forwarded', // MAAS believes the first address it is told, for audit and the choice of a rack
  'x-real-ip'
])

/** Beginnings of names that are never forwarded: what proxies say of the client, and what clients say to this proxy. */
const NOT_FORWARDED_PREFIXES = ['x-forwarded-', 'maas-proxy-'] as const

/**
 * The header that goes to MAAS: the client's fields in their order, duplicates and spelling kept, without those of this
 * connection, then ours. What `Connection` names is dropped first, so that it can never take away what is added.
 * @param rawHeaders names and values in turns, as node has them
 * @param connection the client's whole `Connection` value
 * @param authorization our `Authorization`; null for an anonymous request, which then has none
 * @returns names and values in turns
 */
export function requestHeaders (rawHeaders: readonly string[], connection: string | undefined, authorization: string | null): string[] {
  const named = connection === undefined ? NO_FIELDS : connectionOptions(connection)
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (isForwarded(name) && (named.length === 0 || !named.includes(name.toLowerCase()))) headers.push(name, rawHeaders[i + 1] as string)
  }
  headers.push('Via', VIA)
  if (authorization !== null) headers.push('Authorization', authorization)
  return headers
}

/** WSGI folds `_` and `-` into one, so `x_forwarded_for` reaches MAAS as the field that we drop: both spellings count. */
const isForwarded = byName(name => {
  const folded = name.replaceAll('_', '-')
  // A twin of `Content-Type` could say something else of the body than what was judged.
  if (folded !== name && folded.startsWith('content-')) return false
  return !NOT_FORWARDED.has(folded) && !NOT_FORWARDED_PREFIXES.some(prefix => folded.startsWith(prefix))
})
