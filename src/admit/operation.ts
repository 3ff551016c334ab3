import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Exchange, Target } from '../exchange.ts'
import { expectsContinue } from '../fields.ts'
import type { Access, AnonymousOperations } from '../maas/access.ts'
import { findOperation, lastOp, type Operation } from '../maas/operations.ts'
import type { Policy } from '../policy/policy.ts'
import { findFormOp, type FormKind, formKind } from './form-op.ts'
import { peek, PEEK_BYTES } from './peek.ts'

/** What a decision may depend on. */
export interface OperationOptions {
  policy: Policy
  anonymousOperations: AnonymousOperations
  dualOperations: Access
}

/**
 * Finds the operation that MAAS will run. Only where that is left to a form, and a decision depends on it, is the body
 * looked at, up to a bound; nothing of it is lost. Rules that are only to warn refuse nothing that cannot be decided.
 * @param done called with the operation, in the same tick unless the body is looked at; with an error MAAS_PROXY_OPERATION_UNDECIDED
 *   where the form cannot be judged; not at all if the client goes away meanwhile
 */
export function findAdmittedOperation (
  request: IncomingMessage, response: ServerResponse, exchange: Exchange, target: Target, options: OperationOptions,
  done: (error: ProxyError | null, operation: Operation) => void
): void {
  const method = request.method as string
  const operationBy = (formOp: string | null) => findOperation(method, target.path, target.query, formOp)
  const kind = method === 'POST' && !lastOp(target.query) ? formKind(request.headers['content-type']) : null
  if (kind === null || !dependsOnOp(operationBy(null), exchange, options)) return done(null, operationBy(null))

  void readFormOp(request, response, exchange, kind).then(formOp => {
    if (formOp !== null) done(null, operationBy(formOp.op))
  }, (error: ProxyError) => {
    // The path without its ending `/op-NAME`, which a form would override.
    const refuse = options.policy.mustKnowOp(method, operationBy(null).path) || mayBeAnonymous(exchange, options)
    if (!refuse) exchange.wouldRefuse = error.message
    done(refuse ? error : null, operationBy(null))
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
