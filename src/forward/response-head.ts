import { STATUS_CODES } from 'node:http'
import { ProxyError } from '../errors.ts'
import { byName, connectionOptions, HOP_BY_HOP } from '../http/fields.ts'

/** Fields of an answer that never reach the client, each with its reason. */
const DROPPED_FIELDS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'set-cookie', // a browser would send a session of MAAS to every port of localhost
  'set-cookie2',
  'strict-transport-security' // a browser would apply it to the proxy's host name
])

/** Prefixes of names that never reach the client: no page may read an answer, and `MAAS-Proxy-` fields are ours. */
const DROPPED_PREFIXES = ['access-control-', 'maas-proxy-'] as const

/** A reason phrase that is forwarded. Clients ignore reason phrases (RFC 9112 §4). */
const VISIBLE_ASCII = /^[\x20-\x7e]*$/

/** Statuses whose responses have no body, whatever their length field says (RFC 9110 §15.3.5, §15.4.5). */
export const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** The head of an answer, as the client gets it. */
export interface ResponseHead {
  status: number
  reason: string
  /** names and values in turns, in MAAS's order and spelling */
  headers: string[]
  /** the value of `Content-Length`, in bytes; null if there is none */
  contentLength: number | null
  /** the values of `Content-Type`; MAAS sends one, or none without a body */
  contentTypes: readonly string[]
  /** the value of `Date`; null if there is none */
  date: string | null
  /** MAAS's own id of the request (3.8: `middleware.TracingMiddleware`); null if there is none */
  traceId: string | null
}

/**
 * Builds the head for the client from the head that undici received.
 * @param rawHeaders names and values in turns, as bytes
 * @throws ProxyError MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED if the body has a transfer coding other than chunked. undici
 *   undoes only that one, so the client would get bytes without a label
 */
export function responseHead (status: number, reason: string, rawHeaders: readonly Buffer[]): ResponseHead {
  const headers: string[] = []
  let contentLength: number | null = null
  const contentTypes: string[] = []
  let date: string | null = null
  let traceId: string | null = null
  const connectionFields: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as Buffer).toString('latin1')
    const kind = kindOf(name)
    if (kind === 'dropped') continue
    const value = (rawHeaders[i + 1] as Buffer).toString('latin1')
    if (kind === 'connection') {
      connectionFields.push(...connectionOptions(value))
      continue
    }
    if (kind === 'coding') {
      checkCoding(value)
      continue
    }
    if (kind === 'length') {
      if (status === 204) continue // RFC 9110 §8.6: a 204 has no length
      contentLength = Number(value)
    }
    if (kind === 'type') contentTypes.push(value)
    if (kind === 'date') date = value
    if (kind === 'trace') traceId = value
    headers.push(name, value)
  }
  const removed = connectionFields.filter(name => !isProtected(name))
  return {
    status,
    reason: VISIBLE_ASCII.test(reason) ? reason : STATUS_CODES[status] ?? '',
    headers: removed.length === 0 ? headers : withoutFields(headers, removed),
    contentLength,
    contentTypes,
    date,
    traceId
  }
}

/** The role of a field in an answer. */
type FieldKind = 'forwarded' | 'dropped' | 'connection' | 'coding' | 'length' | 'type' | 'date' | 'trace'

/** Whether a field stays although `Connection` names it: without it an answer is incomplete, or its body unreadable. */
const isProtected = (name: string): boolean => name === 'date' || name.startsWith('content-')

const kindOf = byName<FieldKind>(name => {
  if (name === 'connection' || name === 'date') return name
  if (name === 'content-length') return 'length'
  if (name === 'content-type') return 'type'
  if (name === 'transfer-encoding') return 'coding'
  if (name === 'maas-trace-id') return 'trace'
  const isDropped = DROPPED_FIELDS.has(name) || DROPPED_PREFIXES.some(prefix => name.startsWith(prefix))
  return isDropped ? 'dropped' : 'forwarded'
})

function checkCoding (value: string): void {
  if (/^[ \t]*chunked[ \t]*$/i.test(value)) return
  const message = 'the answer of MAAS has a transfer coding other than chunked'
  throw new ProxyError('MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', { message })
}

/**
 * Finds the first value of a field.
 * @param headers names and values in turns
 * @param wanted the name in lower case
 * @returns null if the field is missing
 */
export function valueOf (headers: readonly string[], wanted: string): string | null {
  const at = headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === wanted)
  return at < 0 ? null : headers[at + 1] as string
}

/** Removes the length from a head whose body is going to change. */
export function withoutLength (head: ResponseHead): ResponseHead {
  return { ...head, headers: withoutFields(head.headers, ['content-length']), contentLength: null }
}

/**
 * Removes fields from a header.
 * @param headers names and values in turns
 * @param names in lower case
 */
export function withoutFields (headers: readonly string[], names: readonly string[]): string[] {
  return headers.filter((_, i) => !names.includes((headers[i - i % 2] as string).toLowerCase()))
}
