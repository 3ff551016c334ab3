import { type KnownOperation, operationsOf } from '../policy/catalogue.ts'
import { Policy, type SourcedRule } from '../policy/policy.ts'
import { matches, parseRule, type Rule } from '../policy/rule.ts'
import { readCredentialRules } from './credential-rules.ts'
import type { SettingsReport } from './report.ts'
import { readShippedRows } from '../policy/shipped-rules.ts'
import type { Values } from './table.ts'

/** The settings of a policy. */
export type PolicyValues = Pick<
  Values,
  'readOnly' | 'allow' | 'deny' | 'policy' | 'policyMode' | 'allowCredentialOperation' | 'allowCredentialOperations'
>

/**
 * Makes the policy from its settings.
 * @param values undefined where a value could not be read
 * @param report receives contradictions as problems, and what opens the guard as warnings
 * @returns undefined if rules could not be read
 */
export function buildPolicy (values: Partial<PolicyValues>, report: SettingsReport): Policy | undefined {
  if (values.allow === undefined || values.deny === undefined) return undefined
  if (values.allowCredentialOperation === undefined) return undefined
  const { readOnly = false, policy, policyMode, allowCredentialOperation, allowCredentialOperations = false } = values
  const allow = [...withSource('--allow', values.allow), ...withSource('--policy allow', policy?.allow ?? [])]
  const deny = [...withSource('--deny', values.deny), ...withSource('--policy deny', policy?.deny ?? [])]
  const credentialRules = allowCredentialOperations ? [] : readCredentialRules()
  const opened = withSource('--allow-credential-operation', allowCredentialOperation)
  const effectfulReads = readEffectfulReads()
  for (const { rule, source } of allow) {
    if (readOnly && rule.methods?.some(method => method !== 'GET')) {
      report.problem(`--read-only and ${source}: contradict each other; keep one`)
    }
    if (isClosedBy(credentialRules, opened, rule)) {
      const reason = 'means only operations that hand out, mint, rename or revoke credentials'
      report.problem(`${source}: ${reason}, which need --allow-credential-operation RULE too`)
    }
  }
  for (const { rule, source } of opened) {
    const reasons = credentialRules.filter(guard => operationsOf(rule).some(known => means(guard, known)))
    for (const guard of reasons) report.warn(`${source}: opens what is refused otherwise, by ${guard.source}`)
  }
  if (allowCredentialOperations) {
    report.warn('--allow-credential-operations: whoever reaches the proxy can take API keys and passwords from MAAS')
  }
  const openedOperations = allowCredentialOperations ? [] : opened
  const warnOnly = policyMode === 'warn'
  const rules = { credentialRules, openedOperations, readOnly, effectfulReads, deny, allow }
  return new Policy({ ...rules, warnOnly, client: null })
}

/** Reads the shipped table of the GET operations that have an effect. */
export function readEffectfulReads (): SourcedRule[] {
  return readShippedRows('effectful-reads.json').map(({ rule, reason }) => (
    { rule: parseRule(rule), source: `a read with an effect: ${reason}` }
  ))
}

function withSource (setting: string, rules: readonly Rule[]): SourcedRule[] {
  return rules.map(rule => ({ rule, source: `${setting} ${JSON.stringify(rule.text)}` }))
}

/** Whether the guard refuses every operation that a rule means, and none of them is opened. */
function isClosedBy (guard: readonly SourcedRule[], opened: readonly SourcedRule[], rule: Rule): boolean {
  const open = new Set(opened.flatMap(({ rule }) => operationsOf(rule)))
  return operationsOf(rule).every(known => !open.has(known) && guard.some(row => means(row, known)))
}

function means ({ rule }: SourcedRule, known: KnownOperation): boolean {
  return matches(rule, known, known.segments)
}
