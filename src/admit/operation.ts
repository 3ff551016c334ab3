import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Exchange, Target } from '../exchange.ts'
import { expectsContinue } from '../fields.ts'
import type { Access } from '../maas/access.ts'
import { findOperation, lastOp, type Operation } from '../maas/operations.ts'
import { findFormOp, type FormKind, formKind } from './form-op.ts'
import { peek, PEEK_BYTES } from './peek.ts'
import { judge, type Judgement, type Judges } from './reading.ts'

/** What a decision may depend on. */
export interface OperationOptions extends Judges {
  dualOperations: Access
}

/**
 * Finds the operation that MAAS will run, and what is thought of it. Only where that is left to a form, and a decision depends on it, is
 * the body looked at, up to a bound; nothing of it is lost. Rules that are only to warn refuse nothing that cannot be decided.
 * @param judgement of the request without a form
 * @param done called with that of the operation, in the same tick unless the body is looked at; with an error MAAS_PROXY_OPERATION_UNDECIDED
 *   where the form cannot be judged; not at all if the client goes away meanwhile
 */
export function findJudgement (
  request: IncomingMessage, response: ServerResponse, exchange: Exchange, { path, query }: Target, judgement: Judgement, options: OperationOptions,
  done: (error: ProxyError | null, judgement: Judgement) => void
): void {
  const { method } = judgement.operation
  if (method !== 'POST' || lastOp(query)) return done(null, judgement)
  const kind = formKind(request.headers['content-type'])
  if (kind === null || !dependsOnOp(judgement.operation, exchange, options)) return done(null, judgement)

  void readFormOp(request, response, exchange, kind).then(formOp => {
    if (formOp !== null) done(null, judge(findOperation(method, path, query, formOp.op), options))
  }, (error: ProxyError) => {
    // The path without its ending `/op-NAME`, which a form would override.
    const refuse = options.policy.mustKnowOp(method, judgement.operation.path) || mayBeAnonymous(exchange, options)
    if (!refuse) exchange.wouldRefuse = error.message
    done(refuse ? error : null, judgement)
  })
}

/** Whether another op on the same path would be decided differently: by a rule, or between signed and anonymous. */
function dependsOnOp ({ method, path }: Operation, exchange: Exchange, options: OperationOptions): boolean {
  return options.policy.dependsOnOp(method, path) || (mayBeAnonymous(exchange, options) && options.anonymousOperations.hasPath(method, path))
}

function mayBeAnonymous ({ askedAccess }: Exchange, { dualOperations }: OperationOptions): boolean {
  return askedAccess !== undefined || dualOperations === 'anonymous'
}

async function readFormOp (request: IncomingMessage, response: ServerResponse, exchange: Exchange, kind: FormKind): Promise<{ op: string | null } | null> {
  if (expectsContinue(request)) {
    response.writeContinue()
    exchange.continued = true
  }
  exchange.peeked = await peek(request)
  if (exchange.peeked === null) return null
  const { bytes, complete } = exchange.peeked
  if (!complete) throw new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED', { message: `the operation depends on a form of more than ${PEEK_BYTES / 1024} KiB` })
  const found = findFormOp(kind, request.headers['content-type'] as string, bytes)
  if (!found.certain) throw new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED')
  return found
}
