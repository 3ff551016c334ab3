import type { KnownOperation } from './catalogue.ts'
import { instancesOf } from './instances.ts'
import type { Policy } from './policy.ts'

/** Whether a policy lets an operation of MAAS pass, for every resource or for one that a rule names. */
export function canPass (policy: Policy, known: KnownOperation): boolean {
  return instancesOf(known, {}, policy.rules.map(({ rule }) => rule)).some(({ operation }) => {
    const verdict = policy.decide(operation)
    return verdict.allowed || (policy.warnOnly && verdict.code === 'MAAS_PROXY_RULE_REFUSED')
  })
}
