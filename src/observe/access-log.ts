import type { Operation } from '../maas/operations.ts'
import type { Observer, Outcome } from './exchanges.ts'
import type { Logger } from './logger.ts'
import { printable } from './printable.ts'
import { rounded } from './rounded.ts'
import { asMaasTraceId, traceIdOf } from './trace-ids.ts'

type Value = string | number | boolean | readonly string[] | null | undefined

type Fields = Readonly<Record<string, (outcome: Outcome) => Value>>

/**
 * The fields of the one record of a request, in their order; what is null or undefined is left out. Of a query only the names and `op` are
 * kept, of the header nothing: values may be secrets. A target that was refused is left out, since it is not known what is in it.
 */
const FIRST: Fields = {
  id: ({ request }) => request.id,
  client: ({ exchange }) => exchange.client
}

/** Those that are the same for all requests for an operation. */
const OF_OPERATION: Fields = {
  method: ({ request }) => request.method,
  path: ({ exchange: { target } }) => target?.rawPath,
  queryKeys: ({ exchange: { target } }) => target === null || target.query.length === 0 ? null : target.query.map(([name]) => printable(name)),
  op: ({ exchange: { operation } }) => operation?.op == null ? null : printable(operation.op)
}

const OTHERS: Fields = {
  access: ({ exchange }) => exchange.access,
  attempts: ({ exchange: { attempts } }) => attempts > 1 ? attempts : null,
  status: ({ status }) => status,
  requestBytes: ({ exchange }) => exchange.requestBytes,
  bytes: ({ exchange }) => exchange.responseBytes,
  ms: ({ ms }) => rounded(ms),
  upstreamMs: ({ exchange: { upstreamMs } }) => upstreamMs === null ? null : rounded(upstreamMs),
  complete: ({ complete }) => complete,
  hint: ({ exchange }) => exchange.hint,
  error: ({ exchange }) => exchange.error,
  wouldRefuse: ({ exchange }) => exchange.wouldRefuse,
  traceId: ({ request }) => traceIdOf(request.raw),
  maasTraceId: ({ exchange }) => asMaasTraceId(exchange.maasTraceId)
}

const ALL = Object.entries({ ...FIRST, ...OF_OPERATION, ...OTHERS })

/** Writes the record through any logger, as that of another's server. */
export function logAccess (outcome: Outcome): void {
  const fields: Record<string, Value> = {}
  for (const [name, read] of ALL) fields[name] = read(outcome) ?? undefined
  outcome.request.log[levelOf(outcome)](fields, 'request')
}

/** Makes what writes the record through a logger of ours: the same, but faster. */
export function accessLog (logger: Logger): Observer {
  const [first, ofOperation, others] = [FIRST, OF_OPERATION, OTHERS].map(membersOf) as [Members, Members, Members]
  const known = new WeakMap<Operation, string>()
  return outcome => {
    const { operation } = outcome.exchange
    let same = operation === null ? undefined : known.get(operation)
    if (same === undefined) {
      same = ofOperation(outcome)
      if (operation !== null) known.set(operation, same)
    }
    logger.writeFields(levelOf(outcome), first(outcome) + same + others(outcome), 'request')
  }
}

type Members = (outcome: Outcome) => string

/** Makes what writes fields as members of a JSON object. */
function membersOf (fields: Fields): Members {
  const readers = Object.entries(fields).map(([name, read]) => ({ begin: `,"${name}":`, read }))
  return outcome => {
    let members = ''
    for (const { begin, read } of readers) {
      const value = read(outcome)
      if (value !== null && value !== undefined) members += begin + asJson(value)
    }
    return members
  }
}

function levelOf ({ status, exchange: { error, wouldRefuse } }: Outcome): 'info' | 'warn' {
  return (status ?? 0) >= 500 || error !== null || wouldRefuse !== null ? 'warn' : 'info'
}

/** What needs no escape in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function asJson (value: string | number | boolean | readonly string[]): string {
  if (typeof value === 'string') return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
