import type { ErrorCode } from '../errors.ts'
import { METHODS } from '../http/methods.ts'
import type { AnonymousKind, AnonymousOperations } from '../maas/access.ts'
import { findOperation, type Operation } from '../maas/operations.ts'
import type { Target } from '../maas/target.ts'
import { memoize } from '../performance/memoize.ts'
import type { Policy, PolicyVerdict } from '../policy/policy.ts'
import { checkQuery } from './query.ts'
import { parseTarget } from './target.ts'

/** A listener's decision on an operation. */
export interface Decision {
  operation: Operation
  /** how MAAS serves the operation to anyone; undefined if it does not */
  kind: AnonymousKind | undefined
  verdict: PolicyVerdict
}

/** The meaning of a request line. */
interface Classification {
  target: Target
  /** why the query is rejected; null if it is not */
  rejection: ErrorCode | null
  /** for the operation, unless a form names another one; null outside the API of MAAS */
  decision: Decision | null
}

/** Classifies a method, one of {@link METHODS}, and a request target. */
export type Classifier = (method: string, target: string) => Classification

/** The rules that decide on operations. */
export interface ClassifierOptions {
  readonly policy: Policy
  readonly anonymousOperations: AnonymousOperations
}

/** The only part of MAAS that takes an API key. The rest is its web UI, its node metadata and its v3 API. */
const SERVED = '/MAAS/api/'

/** Decides on an operation. */
export function decide (operation: Operation, { policy, anonymousOperations }: ClassifierOptions): Decision {
  return { operation, kind: anonymousOperations.kindOf(operation), verdict: policy.decide(operation) }
}

/**
 * Creates the classifier of a listener. Requests share its results, which must not be changed. It throws the errors of
 * {@link parseTarget}.
 */
export function createClassifier (options: ClassifierOptions): Classifier {
  const classifiers = new Map(METHODS.map(method => [method as string, memoize((raw): Classification => {
    const target = parseTarget(raw)
    const isServed = target.path.startsWith(SERVED)
    const decision = isServed ? decide(findOperation(method, target.path, target.query, null), options) : null
    return { target, rejection: checkQuery(target.query), decision }
  })]))
  return (method, target) => (classifiers.get(method) as (target: string) => Classification)(target)
}
