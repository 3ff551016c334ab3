import { readFileSync } from 'node:fs'
import { operationsOf } from '../policy/catalogue.ts'
import { Policy, type SourcedRule } from '../policy/policy.ts'
import { matches, parseRule, type Rule } from '../policy/rule.ts'
import type { Values } from './table.ts'
import { packageFile } from '../package.ts'
import type { SettingsReport } from './report.ts'

/** The settings that make a policy. */
export type PolicyValues = Pick<Values, 'readOnly' | 'allow' | 'deny' | 'policy' | 'policyMode' | 'allowCredentialOperations'>

/** Makes the policy from its settings. @param report receives the messages */
export function buildPolicy (values: PolicyValues, report: SettingsReport): Policy {
  const { readOnly, policy, policyMode, allowCredentialOperations } = values
  const allow = [...sourced('--allow', values.allow), ...sourced('--policy allow', policy?.allow ?? [])]
  const deny = [...sourced('--deny', values.deny), ...sourced('--policy deny', policy?.deny ?? [])]
  const credentialRules = allowCredentialOperations ? [] : readShipped('credential-operations.json', 'the credential guard')
  for (const { rule, source } of allow) {
    if (readOnly && rule.methods?.some(method => method !== 'GET')) report.problem(`--read-only and ${source}: contradict each other; keep one`)
    if (meansOnly(rule, credentialRules)) report.problem(`${source}: means only operations that hand out, mint, rename or revoke credentials, which need --allow-credential-operations too`)
  }
  return new Policy({ credentialRules, readOnly, effectfulReads: readShipped('effectful-reads.json', 'a read with an effect'), deny, allow, warnOnly: policyMode === 'warn' })
}

function sourced (setting: string, rules: readonly Rule[]): SourcedRule[] {
  return rules.map(rule => ({ rule, source: `${setting} ${JSON.stringify(rule.text)}` }))
}

/** A shipped table of rules, each with its reason. */
function readShipped (name: string, what: string): SourcedRule[] {
  const rows = JSON.parse(readFileSync(packageFile(`config/${name}`), 'utf8')) as Array<{ rule: string, reason: string }>
  return rows.map(({ rule, reason }) => ({ rule: parseRule(rule), source: `${what}: ${reason}` }))
}

function meansOnly (rule: Rule, others: readonly SourcedRule[]): boolean {
  return operationsOf(rule).every(({ method, path, op, segments }) => others.some(({ rule: other }) => matches(other, { method, path, op, fromPath: false }, segments)))
}
