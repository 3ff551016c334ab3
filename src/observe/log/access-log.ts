import type { LogOf, Observer, Outcome } from '../../exchange/plugin.ts'
import { stripControls } from '../../text/strip-controls.ts'
import { roundMs } from './round-ms.ts'
import { asMaasTraceId, traceIdOf } from '../traces/trace-ids.ts'

/**
 * Creates the observer that writes one record for each request, at level warn if it failed or misleads,
 * otherwise at level info.
 * @param logOf finds the logger: that of the request in an embedding server, one for all requests in our own
 */
export function accessLog (logOf: LogOf): Observer {
  return outcome => { logOf(outcome.request)[levelOf(outcome)](recordOf(outcome), 'request') }
}

/**
 * Returns the fields of the record, in their order; pino leaves out an undefined one. Values of the query, but for
 * `op`, and of the header may be secrets and stay out. A rejected target is null, and so the record has none.
 */
function recordOf ({ request, exchange, status, complete, ms }: Outcome) {
  const { client, target, op, opUnknown, access, attempts, requestBytes, responseBytes, queuedMs } = exchange
  const { upstreamMs, hint, error, wouldRefuse, missingRule, sharedWith } = exchange
  return {
    id: request.id ?? undefined, // an embedding server may have none
    client: client ?? undefined,
    method: request.method,
    path: target?.rawPath,
    queryKeys: target?.query.length ? target.query.map(([name]) => stripControls(name)) : undefined,
    op: op === null ? undefined : stripControls(op),
    opUnknown: opUnknown ?? undefined,
    access: access ?? undefined,
    attempts: attempts > 1 ? attempts : undefined,
    shared: sharedWith === null ? undefined : true,
    sharedWith: sharedWith ?? undefined,
    status: status ?? undefined,
    requestBytes,
    bytes: responseBytes,
    ms: roundMs(ms),
    queuedMs: queuedMs === null ? undefined : roundMs(queuedMs),
    upstreamMs: upstreamMs === null ? undefined : roundMs(upstreamMs),
    complete,
    hint: hint ?? undefined,
    error: error ?? undefined,
    wouldRefuse: wouldRefuse ?? undefined,
    missingRule: missingRule ?? undefined,
    traceId: traceIdOf(request.raw),
    maasTraceId: asMaasTraceId(exchange.maasTraceId)
  }
}

/** A hint on a success says that MAAS did something else than the client meant. */
function levelOf ({ status, exchange: { error, hint, wouldRefuse } }: Outcome): 'info' | 'warn' {
  const code = status ?? 0
  const isMisleading = hint !== null && code < 400
  return code >= 500 || error !== null || wouldRefuse !== null || isMisleading ? 'warn' : 'info'
}
