import type { LogOf, Observer, Outcome } from '../../exchange/plugin.ts'
import { stripControls } from '../../text/strip-controls.ts'
import { roundMs } from './round-ms.ts'
import { asMaasTraceId, traceIdOf } from '../traces/trace-ids.ts'

/**
 * Creates the observer that writes the one record of each request.
 * @param logOf finds the logger: the request's own in an embedding server, one for all in ours
 */
export function accessLog (logOf: LogOf): Observer {
  return outcome => { logOf(outcome.request)[levelOf(outcome)](recordOf(outcome), 'request') }
}

/**
 * The fields of the record, in their order; an undefined one is left out. Of a query only the names and `op` are kept, of the header nothing:
 * values may be secrets. A target that was rejected is left out, since its content is unknown.
 */
function recordOf ({ request, exchange, status, complete, ms }: Outcome) {
  const { client, target, operation, access, attempts, requestBytes, responseBytes, upstreamMs, hint, error, wouldRefuse } = exchange
  return {
    id: request.id ?? undefined, // an embedding server makes ids, or none
    client: client ?? undefined,
    method: request.method,
    path: target?.rawPath,
    queryKeys: target === null || target.query.length === 0 ? undefined : target.query.map(([name]) => stripControls(name)),
    op: operation?.op == null ? undefined : stripControls(operation.op),
    access: access ?? undefined,
    attempts: attempts > 1 ? attempts : undefined,
    status: status ?? undefined,
    requestBytes,
    bytes: responseBytes,
    ms: roundMs(ms),
    upstreamMs: upstreamMs === null ? undefined : roundMs(upstreamMs),
    complete,
    hint: hint ?? undefined,
    error: error ?? undefined,
    wouldRefuse: wouldRefuse ?? undefined,
    traceId: traceIdOf(request.raw),
    maasTraceId: asMaasTraceId(exchange.maasTraceId)
  }
}

function levelOf ({ status, exchange: { error, wouldRefuse } }: Outcome): 'info' | 'warn' {
  return (status ?? 0) >= 500 || error !== null || wouldRefuse !== null ? 'warn' : 'info'
}
