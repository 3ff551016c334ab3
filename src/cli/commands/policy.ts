import type { Writable } from 'node:stream'
import { findOperation } from '../../maas/operations.ts'
import { asRule, isParameter, knownOperations, nearestRule, operationsOf } from '../../policy/catalogue.ts'
import { API_ROOT, type Policy } from '../../policy/policy.ts'
import { parseRule, type Rule } from '../../policy/rule.ts'
import { loadPolicies } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Command, EXIT } from '../command.ts'

/** Says which operations the rules allow. It needs neither MAAS nor a key. */
export const policy: Command = {
  help: 'list: the operations that the rules allow; test: whether they allow one, by exit code too',
  forms: [['list'], ['test', '"METHOD PATH[?op=NAME]"']],
  async run ({ flags, words: [, , subject] }, { env, stdout }) {
    const answer = subject === undefined ? list : (policy: Policy) => test(policy, subject, stdout)
    const codes = (await loadPolicies(flags, env)).map((listener, _i, all) => {
      if (all.length > 1) stdout.write(`${listener.addresses.join(', ')}:\n`)
      return answer(listener.policy, stdout)
    })
    return Math.max(...codes) // 0 only if every listener allows it
  }
}

function test (policy: Policy, subject: string, stdout: Writable): number {
  const { methods, segments, op } = readSubject(subject)
  const query: Array<[string, string]> = op ? [['op', op]] : []
  const verdict = policy.decide(findOperation(methods?.[0] as string, API_ROOT + segments.join('/'), query, null))
  const passes = verdict.allowed || (policy.warnOnly && verdict.code === 'MAAS_PROXY_RULE_REFUSED')
  const word = verdict.allowed ? 'allowed' : passes ? 'allowed by --policy-mode warn, but would be refused' : 'refused'
  stdout.write(`${word}: ${subject}\n  by ${verdict.by}\n`)
  return passes ? EXIT.ok : EXIT.failure
}

/** Parses the operation to test, which is written as a rule that means one operation. */
function readSubject (subject: string): Rule {
  let rule: Rule
  try {
    rule = parseRule(subject)
  } catch (error) {
    throw new SettingsError([`policy test: ${(error as Error).message}`])
  }
  if (rule.methods?.length !== 1 || rule.open || rule.segments.includes('*')) {
    throw new SettingsError(['policy test: takes one operation, without stars, as in "POST machines/abc?op=deploy"'])
  }
  if (operationsOf({ ...rule, op: rule.op ?? '' }).length === 0) {
    const nearest = JSON.stringify(nearestRule(subject))
    throw new SettingsError([`policy test: MAAS has no such operation; did you mean ${nearest}?`])
  }
  return rule
}

function list (policy: Policy, stdout: Writable): number {
  const rows = knownOperations()
    .filter(({ method, path, op }) => policy.decide({ method, path: API_ROOT + path, op, fromPath: false }).allowed)
    .map(({ method, path, op }) => `${method.padEnd(6)}  ${path}${op === null ? '' : `?op=${op}`}\n`)
  const singles = policy.rules.filter(({ rule }) => namesResource(rule)).map(({ rule, source }) => (
    `  ${source} means ${operationsOf(rule).map(asRule).join(', ')} for that one only\n`
  ))
  const count = `${rows.length} of ${knownOperations().length} operations of MAAS are allowed for every resource\n`
  stdout.write(`${rows.join('')}${count}${singles.join('')}`)
  return EXIT.ok
}

/** Whether a rule names one resource, so that it means nothing for the others. */
function namesResource (rule: Rule): boolean {
  return operationsOf(rule).some(({ segments }) => (
    rule.segments.some((segment, i) => segment !== '*' && isParameter(segments[i] as string))
  ))
}
