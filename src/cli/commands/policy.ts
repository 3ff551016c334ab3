import { findOperation } from '../../maas/operations.ts'
import { asRule, isParameter, knownOperations, nearestRule, operationsOf } from '../../policy/catalogue.ts'
import { API_ROOT, type Policy } from '../../policy/policy.ts'
import { parseRule, type Rule } from '../../policy/rule.ts'
import { loadPolicies } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Paint, paintFor, type Style } from '../../text/terminal.ts'
import { type Command, EXIT } from '../command.ts'

/** The answer for one listener. */
interface PolicyAnswer {
  text: string
  code: number
}

/** Says which operations the rules allow. It needs neither MAAS nor a key. */
export const policy: Command = {
  help: 'list: the operations that the rules allow; test: whether they allow one, by exit code too',
  forms: [['list'], ['test', '"METHOD PATH[?op=NAME]"']],
  async run ({ flags, words: [, , subject] }, { env, stdout }) {
    const paint = paintFor(stdout, env)
    const answer = (policy: Policy) => subject === undefined ? list(policy, paint) : test(policy, subject, paint)
    const codes = (await loadPolicies(flags, env)).map((listener, _i, all) => {
      const { text, code } = answer(listener.policy)
      stdout.write((all.length > 1 ? `${paint('bold', `${listener.addresses.join(', ')}:`)}\n` : '') + text)
      return code
    })
    return Math.max(...codes) // 0 only if every listener allows it
  }
}

function test (policy: Policy, subject: string, paint: Paint): PolicyAnswer {
  const { methods, segments, op } = readSubject(subject)
  const query: Array<[string, string]> = op ? [['op', op]] : []
  const verdict = policy.decide(findOperation(methods?.[0] as string, API_ROOT + segments.join('/'), query, null))
  const passes = verdict.allowed || (policy.warnOnly && verdict.code === 'MAAS_PROXY_RULE_REFUSED')
  const word = verdict.allowed ? 'allowed' : passes ? 'allowed by --policy-mode warn, but would be refused' : 'refused'
  const text = `${paint(verdict.allowed ? 'green' : passes ? 'yellow' : 'red', word)}: ${subject}\n  by ${verdict.by}\n`
  return { text, code: passes ? EXIT.ok : EXIT.failure }
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

/** The styles of methods: reading is harmless, the others are not. */
const METHOD_STYLES: Readonly<Record<string, Style>> = { GET: 'green', DELETE: 'red' }

function list (policy: Policy, paint: Paint): PolicyAnswer {
  const rows = knownOperations()
    .filter(({ method, path, op }) => policy.decide({ method, path: API_ROOT + path, op, fromPath: false }).allowed)
    .map(({ method, path, op }) => {
      const word = paint(METHOD_STYLES[method] ?? 'yellow', method.padEnd(6))
      return `${word}  ${path}${op === null ? '' : paint('bold', `?op=${op}`)}\n`
    })
  const singles = policy.rules.filter(({ rule }) => namesResource(rule)).map(({ rule, source }) => (
    `  ${source} means ${operationsOf(rule).map(asRule).join(', ')} for that one only\n`
  ))
  const count = `${rows.length} of ${knownOperations().length} operations of MAAS are allowed for every resource`
  return { text: `${rows.join('')}${paint('bold', count)}\n${singles.join('')}`, code: EXIT.ok }
}

/** Whether a rule names one resource, so that it means nothing for the others. */
function namesResource (rule: Rule): boolean {
  return operationsOf(rule).some(({ segments }) => (
    rule.segments.some((segment, i) => segment !== '*' && isParameter(segments[i] as string))
  ))
}
