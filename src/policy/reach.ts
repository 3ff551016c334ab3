import { type KnownOperation, operationsOf } from './catalogue.ts'
import type { Policy, SourcedRule } from './policy.ts'
import { API_ROOT } from './segments.ts'

/** Whether a policy lets an operation of MAAS pass, for every resource or for one that a rule names. */
export function canPass (policy: Policy, known: KnownOperation): boolean {
  const { method, path, op } = known
  const verdict = policy.decide({ method, path: API_ROOT + path, op, fromPath: false })
  if (verdict.allowed) return true
  const names = (rules: readonly SourcedRule[]) => rules.some(({ rule }) => operationsOf(rule).includes(known))
  if (verdict.code === 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED') return names(policy.openedOperations)
  if (verdict.code !== 'MAAS_PROXY_RULE_REFUSED') return false
  return policy.warnOnly || (verdict.missingRule !== undefined && names(policy.allowRules))
}
