import type { FastifyBaseLogger } from 'fastify'
import type { Observer, Outcome } from './exchanges.ts'
import type { Logger } from './logger.ts'
import { printable } from './printable.ts'
import { asMaasTraceId, traceIdOf } from './trace-ids.ts'

type Value = string | number | boolean | readonly string[] | null | undefined

/**
 * The fields of the one record of a request, in their order; what is null or undefined is left out. Of a query only the names and `op` are
 * kept, of the header nothing: values may be secrets. A target that was refused is left out, since it is not known what is in it.
 */
const FIELDS: Readonly<Record<string, (outcome: Outcome) => Value>> = {
  id: ({ request }) => request.id,
  client: ({ exchange }) => exchange.client,
  method: ({ request }) => request.method,
  path: ({ exchange: { target } }) => target?.rawPath,
  queryKeys: ({ exchange: { target } }) => target === null || target.query.length === 0 ? null : target.query.map(([name]) => printable(name)),
  op: ({ exchange: { operation } }) => operation?.op == null ? null : printable(operation.op),
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

const READERS = Object.entries(FIELDS).map(([name, read]) => ({ name, member: `,"${name}":`, read }))

/** Writes the record through any logger, as that of another's server. */
export function logAccess (outcome: Outcome): void {
  const log: FastifyBaseLogger = outcome.request.log
  const fields = Object.fromEntries(READERS.map(({ name, read }) => [name, read(outcome) ?? undefined]))
  log[levelOf(outcome)](fields, 'request')
}

/** Makes what writes the record through a logger of ours: the same, but faster. */
export function accessLog (logger: Logger): Observer {
  return outcome => {
    let fields = ''
    for (const { member, read } of READERS) {
      const value = read(outcome)
      if (value !== null && value !== undefined) fields += member + asJson(value)
    }
    logger.writeFields(levelOf(outcome), fields, 'request')
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

function rounded (ms: number): number {
  return Math.round(ms * 10) / 10
}
