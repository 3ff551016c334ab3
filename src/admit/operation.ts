import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import { expectsContinue } from '../http/fields.ts'
import type { Access } from '../maas/access.ts'
import { findOperation, lastOp } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import type { BodyStart } from './admitted.ts'
import { type ClassifierOptions, decide, type Decision } from './classify.ts'
import { findFormOp, type FormKind, formKind } from './form-op.ts'
import { peek, PEEK_BYTES } from './peek.ts'

/** What a decision may depend on. */
export interface OperationOptions extends ClassifierOptions {
  dualOperations: Access
}

/** A request whose operation is looked for. */
export interface Question {
  request: IncomingMessage
  response: ServerResponse
  target: Target
  /** the decision without a form */
  decision: Decision
  /** what the client asked for in `MAAS-Proxy-Access` */
  askedAccess: Access | undefined
  /** whether the client has been told to send its body already */
  continued: boolean
}

/** The decision on the operation that MAAS will run. */
export interface Finding {
  decision: Decision
  /** null where the form was not read */
  bodyStart: BodyStart | null
  /** why the decision could not be made; null where it was */
  undecided: ProxyError | null
}

/**
 * Finds the operation that MAAS will run, and the decision on it. The body is read, up to a bound, only where a form names the operation
 * and a decision depends on it; nothing of it is lost.
 * @param done called with the finding, in the same tick unless the body is read; not at all if the client goes away meanwhile
 */
export function findDecision (question: Question, options: OperationOptions, done: (finding: Finding) => void): void {
  const { request, target: { path, query }, decision } = question
  const { method } = decision.operation
  const kind = method !== 'POST' || lastOp(query) ? null : formKind(request.headers['content-type'])
  if (kind === null || !dependsOnOp(question, options)) return done({ decision, bodyStart: null, undecided: null })

  void readStart(question).then(bodyStart => {
    if (bodyStart === null) return
    const formOp = readFormOp(request, kind, bodyStart)
    if (formOp instanceof ProxyError) done({ decision, bodyStart, undecided: formOp })
    else done({ decision: decide(findOperation(method, path, query, formOp.op), options), bodyStart, undecided: null })
  })
}

/** Whether a decision that could not be made refuses the request. Rules that only warn refuse nothing. */
export function mustDecide ({ decision: { operation: { method, path } }, askedAccess }: Question, options: OperationOptions): boolean {
  // The path without its ending `/op-NAME`, which a form would override.
  return options.policy.mustKnowOp(method, path) || mayBeAnonymous(askedAccess, options)
}

/** Whether another op on the same path would be decided differently: by a rule, or between signed and anonymous. */
function dependsOnOp ({ decision: { operation: { method, path } }, askedAccess }: Question, options: OperationOptions): boolean {
  if (options.policy.dependsOnOp(method, path)) return true
  return mayBeAnonymous(askedAccess, options) && options.anonymousOperations.hasPath(method, path)
}

function mayBeAnonymous (askedAccess: Access | undefined, { dualOperations }: OperationOptions): boolean {
  return askedAccess !== undefined || dualOperations === 'anonymous'
}

async function readStart ({ request, response, continued }: Question): Promise<BodyStart | null> {
  if (!continued && expectsContinue(request)) response.writeContinue()
  return await peek(request)
}

function readFormOp (request: IncomingMessage, kind: FormKind, { bytes, complete }: BodyStart): { op: string | null } | ProxyError {
  if (!complete) {
    const message = `the operation depends on a form of more than ${PEEK_BYTES / 1024} KiB`
    return new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED', { message })
  }
  const found = findFormOp(kind, request.headers['content-type'] as string, bytes)
  return found.certain ? found : new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED')
}
