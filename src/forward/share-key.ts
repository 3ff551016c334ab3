import type { IncomingMessage } from 'node:http'
import type { Admitted } from '../admit/admitted.ts'
import { byName, hasBody } from '../http/fields.ts'
import { requestHeaders } from './request-headers.ts'

/** A request that waits for its turn. */
interface WaitingRequest {
  request: IncomingMessage
  target: string
  admitted: Admitted
}

/** Fields that make the answer one for this client only, each with its reason. */
const PRIVATE_FIELDS = [
  'expect', // the client waits for a 100 (Continue) of its own
  'upgrade', // the connection of the client ends after the answer
  'range', // the answer is a part of the resource
  'if-range',
  'if-match', // the answer depends on what this client has
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since'
] as const

/** The requests that never share, each with its reason. */
const UNSHARED: ReadonlyArray<(request: WaitingRequest) => boolean> = [
  // All other methods may have an effect, but HEAD, whose answer is so short that sharing would not pay.
  ({ request }) => request.method !== 'GET',
  // MAAS answers anonymous operations cheaply, and two anonymous clients are not known to be the same one.
  ({ admitted }) => admitted.access !== 'signed',
  // The answer may depend on the body.
  ({ request }) => hasBody(request),
  // Each client asks for the effect.
  ({ admitted: { ruleset, operation } }) => ruleset.policy.hasEffect(operation),
  // The path has a second reading, and that operation may have an effect.
  ({ admitted }) => admitted.operation.otherReading !== undefined,
  ({ request: { headers } }) => PRIVATE_FIELDS.some(name => headers[name] !== undefined)
]

/**
 * Fields that MAAS gets and that do not change its answer to a read, each with its reason. All others count, known or
 * not. `MAAS-trace-id` counts, because the answer repeats it.
 */
const IGNORED_FIELDS: ReadonlySet<string> = new Set([
  'user-agent', // for audit events, which reads do not make
  'via', // names the proxies on the way
  'x-request-id', // ids for logs and traces, which MAAS does not read
  'x-correlation-id',
  'traceparent',
  'tracestate',
  'baggage',
  'b3'
])

/** The prefix of the further fields of B3, an older way to pass traces on. */
const B3_PREFIX = 'x-b3-'

const isIgnored = byName(name => IGNORED_FIELDS.has(name) || name.startsWith(B3_PREFIX))

/**
 * Returns what a read asks for: the target and the fields that MAAS gets, byte for byte. Reads with the same key of one
 * credential get the same answer at the same time.
 * @returns null for a request that never shares
 */
export function shareKey (waiting: WaitingRequest): string | null {
  if (UNSHARED.some(applies => applies(waiting))) return null
  const { request: { rawHeaders, headers: { connection } }, target } = waiting
  const headers = requestHeaders(rawHeaders, connection, null)
  const parts = [target]
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!isIgnored(name)) parts.push(`${name.toLowerCase()}:${headers[i + 1]}`)
  }
  return parts.join('\n')
}
