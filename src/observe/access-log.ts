import type { Operation } from '../maas/operations.ts'
import type { Observer, Outcome } from './exchanges.ts'
import type { Logger } from './logger.ts'
import { printable } from './printable.ts'
import { rounded } from './rounded.ts'
import { asMaasTraceId, traceIdOf } from './trace-ids.ts'

/** Writes the record through any logger, as that of another's server. */
export function logAccess (outcome: Outcome): void {
  const { id, log } = outcome.request // an id that may be anything: whoever's server it is makes it
  log[levelOf(outcome)]({ id: id ?? undefined, ...JSON.parse(`{${fieldsOf(outcome, ofOperation(outcome)).slice(1)}}`) }, 'request')
}

/** Makes what writes the record through a logger of ours: the same, but faster. Ids are ours too, and need no escape. */
export function accessLog (logger: Logger): Observer {
  const known = new WeakMap<Operation, string>()
  return outcome => {
    const { operation } = outcome.exchange
    let same = operation === null ? undefined : known.get(operation)
    if (same === undefined) {
      same = ofOperation(outcome)
      if (operation !== null) known.set(operation, same)
    }
    logger.writeFields(levelOf(outcome), `,"id":"${outcome.request.id}"${fieldsOf(outcome, same)}`, 'request')
  }
}

/**
 * The fields of the one record of a request behind its id, in their order, as members of a JSON object with a comma before each; what is not
 * there is left out. Of a query only the names and `op` are kept, of the header nothing: values may be secrets. A target that was refused is
 * left out, since it is not known what is in it.
 * @param ofOperation those that are the same for all requests for an operation
 */
function fieldsOf ({ request, exchange, status, complete, ms }: Outcome, ofOperation: string): string {
  const { client, access, attempts, upstreamMs, hint, error, wouldRefuse } = exchange
  const traceId = traceIdOf(request.raw)
  const maasTraceId = asMaasTraceId(exchange.maasTraceId)
  let fields = client === null ? ofOperation : `,"client":${JSON.stringify(client)}${ofOperation}`
  if (access !== null) fields += `,"access":"${access}"`
  if (attempts > 1) fields += `,"attempts":${attempts}`
  if (status !== null) fields += `,"status":${status}`
  fields += `,"requestBytes":${exchange.requestBytes},"bytes":${exchange.responseBytes},"ms":${rounded(ms)}`
  if (upstreamMs !== null) fields += `,"upstreamMs":${rounded(upstreamMs)}`
  fields += complete ? ',"complete":true' : ',"complete":false'
  if (hint !== null) fields += `,"hint":${JSON.stringify(hint)}`
  if (error !== null) fields += `,"error":"${error}"`
  if (wouldRefuse !== null) fields += `,"wouldRefuse":${JSON.stringify(wouldRefuse)}`
  if (traceId !== undefined) fields += `,"traceId":"${traceId}"`
  return maasTraceId === undefined ? fields : `${fields},"maasTraceId":"${maasTraceId}"`
}

function ofOperation ({ request: { method }, exchange: { target, operation } }: Outcome): string {
  let fields = `,"method":"${method}"`
  if (target !== null) fields += `,"path":${JSON.stringify(target.rawPath)}`
  if (target !== null && target.query.length > 0) fields += `,"queryKeys":${JSON.stringify(target.query.map(([name]) => printable(name)))}`
  return operation?.op == null ? fields : `${fields},"op":${JSON.stringify(printable(operation.op))}`
}

function levelOf ({ status, exchange: { error, wouldRefuse } }: Outcome): 'info' | 'warn' {
  return (status ?? 0) >= 500 || error !== null || wouldRefuse !== null ? 'warn' : 'info'
}
