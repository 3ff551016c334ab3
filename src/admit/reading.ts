import type { ErrorCode } from '../errors.ts'
import type { Target } from '../exchange.ts'
import type { AnonymousKind, AnonymousOperations } from '../maas/access.ts'
import { findOperation, type Operation } from '../maas/operations.ts'
import type { Policy, Verdict } from '../policy/policy.ts'
import { remembered } from '../remembered.ts'
import { METHODS } from './framing.ts'
import { checkQuery } from './query.ts'
import { parseTarget } from './target.ts'

/** An operation, and what a listener thinks of it. */
export interface Judgement {
  operation: Operation
  /** how MAAS serves it to anyone; undefined where it does not */
  kind: AnonymousKind | undefined
  verdict: Verdict
}

/** What the first line of a request says. */
export interface Reading {
  target: Target
  /** why its query is refused; null if it is not */
  refusal: ErrorCode | null
  /** of the operation that it is if no form names another; null for what is not in MAAS's API */
  judgement: Judgement | null
}

/** What operations are judged by. */
export interface Judges {
  policy: Policy
  anonymousOperations: AnonymousOperations
}

/** The only part of MAAS that takes an API key: the rest is its web UI, its node metadata and its v3 API. */
const SERVED = '/MAAS/api/'

/** Judges an operation. */
export function judge (operation: Operation, { policy, anonymousOperations }: Judges): Judgement {
  return { operation, kind: anonymousOperations.kindOf(operation), verdict: policy.decide(operation) }
}

/**
 * Makes what reads a method and a target. It depends on nothing else, so it is remembered: who watches something asks for the same all the time.
 * What it returns is shared by requests and must not be changed; it throws what {@link parseTarget} throws.
 */
export function reader (judges: Judges): (method: string, target: string) => Reading {
  const readings = new Map(METHODS.map(method => [method as string, remembered(raw => {
    const target = parseTarget(raw)
    const judgement = target.path.startsWith(SERVED) ? judge(findOperation(method, target.path, target.query, null), judges) : null
    return { target, refusal: checkQuery(target.query), judgement }
  })]))
  return (method, target) => (readings.get(method) as (target: string) => Reading)(target)
}
