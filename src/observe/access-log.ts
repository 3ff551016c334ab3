import type { Outcome } from './exchanges.ts'
import { printable } from './printable.ts'
import { asMaasTraceId, traceIdOf } from './trace-ids.ts'

/**
 * Writes the one record of a request. Of a query only the names and `op` are kept, of the header nothing: values may be secrets. A target that
 * was refused is left out, since it is not known what is in it.
 */
export function logAccess ({ request: { id, method, log, raw }, exchange, status, complete, ms }: Outcome): void {
  const { target, client, operation, wouldRefuse, access, attempts, upstreamMs, maasTraceId, hint, error, requestBytes, responseBytes } = exchange
  const fields = {
    id,
    client: client ?? undefined,
    method,
    path: target?.rawPath,
    queryKeys: target === null || target.query.length === 0 ? undefined : target.query.map(([name]) => printable(name)),
    op: operation?.op == null ? undefined : printable(operation.op),
    access: access ?? undefined,
    attempts: attempts > 1 ? attempts : undefined,
    status: status ?? undefined,
    requestBytes,
    bytes: responseBytes,
    ms: Math.round(ms * 10) / 10,
    upstreamMs: upstreamMs === null ? undefined : Math.round(upstreamMs * 10) / 10,
    complete,
    hint: hint ?? undefined,
    error: error ?? undefined,
    wouldRefuse: wouldRefuse ?? undefined,
    traceId: traceIdOf(raw),
    maasTraceId: asMaasTraceId(maasTraceId)
  }
  if ((status ?? 0) >= 500 || error !== null || wouldRefuse !== null) log.warn(fields, 'request')
  else log.info(fields, 'request')
}
