import { readFileSync } from 'node:fs'
import { operationsOf } from '../policy/catalogue.ts'
import { Policy, type SourcedRule } from '../policy/policy.ts'
import { matches, parseRule, type Rule } from '../policy/rule.ts'
import type { Values } from './table.ts'
import { packageFile } from '../package.ts'
import type { SettingsReport } from './report.ts'

/** The settings of a policy. */
export type PolicyValues = Pick<
  Values, 'readOnly' | 'allow' | 'deny' | 'policy' | 'policyMode' | 'allowCredentialOperations'
>

/** Makes the policy from its settings. @param report receives a problem for each contradiction */
export function buildPolicy (values: PolicyValues, report: SettingsReport): Policy {
  const { readOnly, policy, policyMode, allowCredentialOperations } = values
  const allow = [...withSource('--allow', values.allow), ...withSource('--policy allow', policy?.allow ?? [])]
  const deny = [...withSource('--deny', values.deny), ...withSource('--policy deny', policy?.deny ?? [])]
  const credentialRules = allowCredentialOperations
    ? []
    : readShippedRules('credential-operations.json', 'the credential guard')
  const effectfulReads = readShippedRules('effectful-reads.json', 'a read with an effect')
  for (const { rule, source } of allow) {
    if (readOnly && rule.methods?.some(method => method !== 'GET')) {
      report.problem(`--read-only and ${source}: contradict each other; keep one`)
    }
    if (isCoveredBy(rule, credentialRules)) {
      const reason = 'means only operations that hand out, mint, rename or revoke credentials'
      report.problem(`${source}: ${reason}, which need --allow-credential-operations too`)
    }
  }
  return new Policy({ credentialRules, readOnly, effectfulReads, deny, allow, warnOnly: policyMode === 'warn' })
}

function withSource (setting: string, rules: readonly Rule[]): SourcedRule[] {
  return rules.map(rule => ({ rule, source: `${setting} ${JSON.stringify(rule.text)}` }))
}

/** Reads a shipped table of rules. @param what the name of the table, which begins the source of each rule */
function readShippedRules (name: string, what: string): SourcedRule[] {
  const text = readFileSync(packageFile(`config/${name}`), 'utf8')
  const rows = JSON.parse(text) as Array<{ rule: string, reason: string }>
  return rows.map(({ rule, reason }) => ({ rule: parseRule(rule), source: `${what}: ${reason}` }))
}

/** Whether every operation that a rule means is meant by one of the others too. */
function isCoveredBy (rule: Rule, others: readonly SourcedRule[]): boolean {
  return operationsOf(rule).every(({ method, path, op, segments }) => (
    others.some(({ rule: other }) => matches(other, { method, path, op, fromPath: false }, segments))
  ))
}
