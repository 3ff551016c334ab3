import type { ErrorCode } from '../errors.ts'
import { METHODS } from '../http/methods.ts'
import type { AnonymousKind, AnonymousOperations } from '../maas/access.ts'
import { findOperation, type Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import { memoize } from '../performance/memoize.ts'
import type { Policy, PolicyVerdict } from '../policy/policy.ts'
import { checkQuery } from './query.ts'
import { parseTarget } from './target.ts'

/** An operation, and what a listener decides on it. */
export interface Decision {
  operation: Operation
  /** how MAAS serves it to anyone; undefined where it does not */
  kind: AnonymousKind | undefined
  verdict: PolicyVerdict
}

/** What the request line says. */
export interface Classification {
  target: Target
  /** why its query is rejected; null if it is not */
  rejection: ErrorCode | null
  /** for the operation that it is if no form names another; null outside the API of MAAS */
  decision: Decision | null
}

/** What operations are decided by. */
export interface ClassifierOptions {
  policy: Policy
  anonymousOperations: AnonymousOperations
}

/** The only part of MAAS that takes an API key: the rest is its web UI, its node metadata and its v3 API. */
const SERVED = '/MAAS/api/'

/** Decides on an operation. */
export function decide (operation: Operation, { policy, anonymousOperations }: ClassifierOptions): Decision {
  return { operation, kind: anonymousOperations.kindOf(operation), verdict: policy.decide(operation) }
}

/**
 * Creates the function that classifies a method and a request target. Its result depends on nothing else, so it is memoized, shared by
 * requests and must not be changed. It throws what {@link parseTarget} throws.
 */
export function createClassifier (options: ClassifierOptions): (method: string, target: string) => Classification {
  const classifiers = new Map(METHODS.map(method => [method as string, memoize((raw): Classification => {
    const target = parseTarget(raw)
    const isServed = target.path.startsWith(SERVED)
    const decision = isServed ? decide(findOperation(method, target.path, target.query, null), options) : null
    return { target, rejection: checkQuery(target.query), decision }
  })]))
  return (method, target) => (classifiers.get(method) as (target: string) => Classification)(target)
}
