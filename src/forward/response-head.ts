import { STATUS_CODES } from 'node:http'
import { byName, connectionOptions, HOP_BY_HOP, NO_FIELDS } from '../http/fields.ts'

/** Fields of an answer that never reach the client, each with its reason. */
const NOT_RESPONDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'set-cookie', // a session of MAAS's would be kept for localhost, where cookies ignore the port
  'set-cookie2',
  'strict-transport-security' // it would stick to the proxy's host name
])

/** Beginnings of names that never reach the client: no page may read an answer, and only the proxy speaks for the proxy. */
const NOT_RESPONDED_PREFIXES = ['access-control-', 'maas-proxy-'] as const

/** What may stand in a reason phrase without being read as something else; clients ignore it (RFC 9112 §4). */
const VISIBLE_ASCII = /^[\x20-\x7e]*$/

/** The head of an answer as the client gets it. */
export interface ResponseHead {
  status: number
  reason: string
  /** names and values in turns, in MAAS's order and spelling */
  headers: string[]
  /** body bytes as announced; null where the length is not known beforehand */
  contentLength: number | null
  /** MAAS's time, as it wrote it; null where it does not say */
  date: string | null
  /** what MAAS calls the request (3.8: `middleware.TracingMiddleware`); null where it does not say */
  traceId: string | null
}

/**
 * Takes the head of an answer as undici has it, and leaves what the client may see.
 * @param rawHeaders names and values in turns, as bytes
 */
export function responseHead (status: number, reason: string, rawHeaders: readonly Buffer[]): ResponseHead {
  const headers: string[] = []
  let contentLength: number | null = null
  let date: string | null = null
  let traceId: string | null = null
  let named = NO_FIELDS
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as Buffer).toString('latin1')
    const part = partOf(name)
    if (part === 'dropped') continue
    const value = (rawHeaders[i + 1] as Buffer).toString('latin1')
    if (part === 'connection') {
      named = named.length === 0 ? connectionOptions(value) : [...named, ...connectionOptions(value)]
      continue
    }
    if (part === 'length') contentLength = Number(value)
    if (part === 'date') date = value
    if (part === 'trace') traceId = value
    headers.push(name, value)
  }
  return {
    status,
    reason: VISIBLE_ASCII.test(reason) ? reason : STATUS_CODES[status] ?? '',
    headers: named.length === 0 ? headers : withoutFields(headers, named.filter(name => !KEPT.has(name))),
    contentLength,
    date,
    traceId
  }
}

/** What a field of an answer is here. */
type Part = 'passed' | 'dropped' | 'connection' | 'length' | 'date' | 'trace'

/** Fields that `Connection` cannot take away, because the answer would not be whole without them. */
const KEPT: ReadonlySet<string> = new Set(['content-length', 'date'])

const partOf = byName<Part>(name => {
  if (name === 'connection' || name === 'date') return name
  if (name === 'content-length') return 'length'
  if (name === 'maas-trace-id') return 'trace'
  return NOT_RESPONDED.has(name) || NOT_RESPONDED_PREFIXES.some(prefix => name.startsWith(prefix)) ? 'dropped' : 'passed'
})

/** The value of a field of a header as {@link ResponseHead} has it; null where there is none. @param wanted in lower case */
export function valueOf (headers: readonly string[], wanted: string): string | null {
  const at = headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === wanted)
  return at < 0 ? null : headers[at + 1] as string
}

/** The head of an answer whose body will be of another length than announced. */
export function withoutLength (head: ResponseHead): ResponseHead {
  return { ...head, headers: withoutFields(head.headers, ['content-length']), contentLength: null }
}

/** A header as {@link ResponseHead} has it, without some fields. @param names in lower case */
export function withoutFields (headers: readonly string[], names: readonly string[]): string[] {
  return headers.filter((_, i) => !names.includes((headers[i - i % 2] as string).toLowerCase()))
}
