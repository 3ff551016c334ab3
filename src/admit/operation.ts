import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import { expectsContinue, hasBody } from '../http/fields.ts'
import type { Access } from '../maas/access.ts'
import { findOperation, lastOp } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import type { Policy, PolicyVerdict } from '../policy/policy.ts'
import type { BodyStart } from './admitted.ts'
import { type ClassifierOptions, decide, type Decision } from './classify.ts'
import { findFormOp, type FormKind, formKind } from './form-op.ts'
import { type FormStart, peek, PEEK_BYTES } from './peek.ts'
import type { Ruleset } from './ruleset.ts'

/** The settings that a decision may depend on. */
export type OperationOptions = ClassifierOptions & Pick<Ruleset, 'dualOperations' | 'clientBodyTimeoutMs'>

/** A classified request, whose form may still name another operation. */
export interface ClassifiedRequest {
  request: IncomingMessage
  response: ServerResponse
  target: Target
  /** the decision without a form */
  decision: Decision
  /** the own rules of the client; null if it has none */
  clientPolicy: Policy | null
  /** the value of `MAAS-Proxy-Access` */
  askedAccess: Access | undefined
  /** whether the client has got a 100 (Continue) */
  isContinueSent: boolean
}

/** The decision on the operation that MAAS will run. */
export interface FinalDecision {
  decision: Decision
  /** the kind of the body if MAAS will look for the op in it; null if it will not */
  form: FormKind | null
  /** null if the form was not read */
  bodyStart: BodyStart | null
  /** why the operation is uncertain; null if it is certain */
  uncertainty: ProxyError | null
}

/**
 * Finds the operation that MAAS will run, and decides on it. It reads the body, up to a limit, only if a form may name
 * the operation and a decision depends on it.
 * @param done called once: synchronously, unless the body is read; with an error if the client sends no more of it. It
 *   is never called if the client closes the connection
 */
export function findDecision (
  classified: ClassifiedRequest, options: OperationOptions, done: (final: FinalDecision | ProxyError) => void
): void {
  const { request, target: { path, query }, decision } = classified
  const { method } = decision.operation
  const kind = method !== 'POST' || lastOp(query) ? null : formKind(request.headers['content-type'])
  const form = hasBody(request) ? kind : null
  if (kind === null || !dependsOnOp(classified, options)) {
    done({ decision, form, bodyStart: null, uncertainty: null })
    return
  }
  void readStart(classified, options.clientBodyTimeoutMs).then(bodyStart => {
    if (bodyStart === null) return
    if (bodyStart instanceof ProxyError) return done(bodyStart)
    const formOp = readFormOp(request, kind, bodyStart)
    if (formOp instanceof ProxyError) {
      done({ decision, form, bodyStart, uncertainty: formOp })
    } else {
      const operation = findOperation(method, path, query, formOp.op)
      done({ decision: decide(operation, options), form, bodyStart, uncertainty: null })
    }
  })
}

/** Whether a request with an uncertain operation is refused. Rules that only warn refuse nothing. */
export function mustDecide (
  { decision: { operation }, askedAccess, clientPolicy }: ClassifiedRequest, options: OperationOptions
): boolean {
  if (options.policy.mustKnowOp(operation) || clientPolicy?.mustKnowOp(operation) === true) return true
  return mayBeAnonymous(askedAccess, options)
}

/** Whether the decision depends on the op: by a rule, or between signed and anonymous. */
function dependsOnOp (
  { decision, askedAccess, clientPolicy }: ClassifiedRequest, options: OperationOptions
): boolean {
  const { operation, verdict } = decision
  const { method, path } = operation // the path without `/op-NAME`, which a form would override
  if (options.policy.dependsOnOp(operation) || namesRule(verdict, options.policy)) return true
  if (clientPolicy !== null) {
    if (clientPolicy.dependsOnOp(operation) || namesRule(clientPolicy.decide(operation), clientPolicy)) return true
  }
  return mayBeAnonymous(askedAccess, options) && options.anonymousOperations.hasPath(method, path)
}

/** Whether a verdict is a refusal that names the rule which would allow the operation. */
function namesRule (verdict: PolicyVerdict, { warnOnly }: Policy): boolean {
  return !warnOnly && !verdict.allowed && verdict.missingRule !== undefined
}

function mayBeAnonymous (
  askedAccess: Access | undefined, { dualOperations }: Pick<Ruleset, 'dualOperations'>
): boolean {
  return askedAccess !== undefined || dualOperations === 'anonymous'
}

async function readStart (
  { request, response, isContinueSent }: ClassifiedRequest, timeoutMs: number
): Promise<FormStart | ProxyError | null> {
  if (!isContinueSent && expectsContinue(request)) response.writeContinue()
  return await peek(request, response, timeoutMs)
}

function readFormOp (
  request: IncomingMessage, kind: FormKind, { bytes, limit }: FormStart
): { op: string | null } | ProxyError {
  if (limit === 'memory') return new ProxyError('MAAS_PROXY_FORM_MEMORY_EXHAUSTED')
  if (limit === 'size') {
    const message = `the operation depends on a form of more than ${PEEK_BYTES / 1024 / 1024} MiB`
    return new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED', { message })
  }
  const found = findFormOp(kind, request.headers['content-type'] as string, bytes)
  return found.isCertain ? found : new ProxyError('MAAS_PROXY_OPERATION_UNDECIDED')
}
