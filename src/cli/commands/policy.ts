import { parseTarget } from '../../admit/target.ts'
import { METHODS } from '../../http/methods.ts'
import { findOperation, type Operation } from '../../maas/operations.ts'
import type { Target } from '../../maas/target.ts'
import {
  asRule, describeVersions, isParameter, type KnownOperation, knownOperations, nearestRule, operationsOf
} from '../../policy/catalogue.ts'
import type { Policy } from '../../policy/policy.ts'
import { findKnown } from '../../policy/resources.ts'
import type { Rule } from '../../policy/rule.ts'
import { API_ROOT } from '../../policy/segments.ts'
import { type ListenerPolicy, loadPolicies } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { suggestion } from '../../text/suggestion.ts'
import { type Paint, paintFor, type Style } from '../../text/terminal.ts'
import { type Command, EXIT } from '../command.ts'
import { checkTask } from './policy/check-task.ts'
import { decideByAll, policiesFor } from './policy/client-policies.ts'
import { diffPolicies } from './policy/diff.ts'
import { learn } from './policy/learn.ts'
import { readRecordings } from './policy/read-recordings.ts'
import { testRecording } from './policy/test-recording.ts'
import { unusedRules } from './policy/unused-rules.ts'

/** The answer for one listener. */
interface PolicyAnswer {
  text: string
  code: number
}

/** The rules that are asked. */
interface Rules {
  addresses: readonly string[]
  /** those of the listener, then those of the client if one is named and has own ones */
  policies: readonly Policy[]
  /** the clients with own rules, if none is named */
  others: readonly string[]
}

/** Says which operations the rules allow. It needs neither MAAS nor a key. */
export const policy: Command = {
  summary: 'say what the rules allow, and learn them',
  help: 'list: the operations that the rules allow; test: whether they allow one, both with --client NAME for one ' +
    'client, or all that were recorded, by exit code too; learn: the rules that recorded requests need, from files ' +
    'of --learn or the log of --log-format json, - for stdin; unused: the rules that no recorded request needs; ' +
    'diff: what only one of two configuration files allows',
  examples: [
    ["policy list --allow 'GET machines/**'", 'every operation that is allowed'],
    ["policy test 'POST machines/abc?op=deploy' --deny 'POST machines/**'", 'one operation; exit code 0 or 1'],
    ["policy test --client ci 'POST machines/abc?op=deploy' --config proxy.yaml", 'for a client with rules of its own'],
    ['policy learn work.json', 'the smallest policy that lets the same requests pass'],
    ['policy test --recording work.json --config proxy.yaml', 'whether the work still fits the rules, for CI'],
    ['policy diff old.yaml new.yaml', 'what a change of the rules opens and closes; exit code 0 if nothing']
  ],
  forms: [
    ['list'], ['test', '"METHOD PATH[?op=NAME]"'], ['test', '--recording FILE'], ['learn', 'FILE...'],
    ['unused', '--recording FILE'], ['diff', 'FILE', 'FILE']
  ],
  ownFlags: ['--client', '--recording', '--exact', '--by-client', '--flags'],
  async run (line, { env, stdout }) {
    checkTask(line)
    const { flags, client, words: [, task, ...subjects] } = line
    const paint = paintFor(stdout, env)
    if (task === 'diff') {
      const [one = '', other = ''] = subjects
      const read = async (file: string) => ({ file, listeners: await loadPolicies({ config: [file] }, env) })
      return print(diffPolicies(await read(one), await read(other), paint))
    }
    const listeners = await loadPolicies(flags, env)
    if (task === 'learn') return print({ text: await learn(line, listeners), code: EXIT.ok })
    if (line.recording !== null) {
      const recording = await readRecordings([line.recording], '--recording')
      if (task === 'test') return print(testRecording(recording, listeners, paint))
      return printEach(listeners, listener => ({ text: unusedRules(recording, listener, paint), code: EXIT.ok }))
    }
    const [subject] = subjects
    return printEach(rulesOf(listeners, client), rules => (
      subject === undefined ? list(rules, paint) : test(rules, subject, paint)
    ))

    function print ({ text, code }: PolicyAnswer): number {
      stdout.write(text)
      return code
    }

    /** @returns 0 only if the answer is yes for every listener */
    function printEach<T extends Pick<ListenerPolicy, 'addresses'>> (
      all: readonly T[], answer: (listener: T) => PolicyAnswer
    ): number {
      return Math.max(...all.map(listener => {
        if (all.length > 1) stdout.write(`${paint('bold', `${listener.addresses.join(', ')}:`)}\n`)
        return print(answer(listener))
      }))
    }
  }
}

/**
 * Finds the rules to ask: those of each listener, or of each that knows a client.
 * @throws SettingsError if none knows it
 */
function rulesOf (listeners: readonly ListenerPolicy[], client: string | null): Rules[] {
  if (client === null) {
    return listeners.map(({ addresses, policy, clients = [] }) => {
      const others = clients.filter(({ policy }) => policy !== null).map(({ name }) => name)
      return { addresses, policies: [policy], others }
    })
  }
  const found = listeners.filter(({ clients = [] }) => clients.some(({ name }) => name === client))
    .map(listener => ({ addresses: listener.addresses, policies: policiesFor(listener, client), others: [] }))
  if (found.length > 0) return found
  const names = [...new Set(listeners.flatMap(({ clients = [] }) => clients.map(({ name }) => name)))]
  const advice = names.length === 0 ? '; the settings have no clients' : suggestion(client, names)
  throw new SettingsError([`--client: there is no such client${advice}`])
}

function test ({ policies }: Rules, subject: string, paint: Paint): PolicyAnswer {
  const { operation, known } = readSubject(subject)
  const verdict = decideByAll(policies, operation)
  const warnOnly = policies.some(policy => policy.warnOnly)
  const passes = verdict.allowed || (warnOnly && verdict.code === 'MAAS_PROXY_RULE_REFUSED')
  const word = verdict.allowed ? 'allowed' : passes ? 'allowed by --policy-mode warn, but would be refused' : 'refused'
  const range = describeVersions(known.versions)
  const remedy = verdict.allowed ? undefined : verdict.remedy
  const lines = [`by ${verdict.by}`, ...remedy === undefined ? [] : [remedy], ...range === '' ? [] : [range]]
  const painted = paint(verdict.allowed ? 'green' : passes ? 'yellow' : 'red', word)
  const text = `${painted}: ${subject}\n${lines.map(line => `  ${line}\n`).join('')}`
  return { text, code: passes ? EXIT.ok : EXIT.failure }
}

/**
 * Reads the operation to test: a rule that means one operation, or a request as the log and the documentation of MAAS
 * write it, `POST /MAAS/api/2.0/machines/{system_id}/op-deploy`.
 */
function readSubject (subject: string): { operation: Operation, known: KnownOperation } {
  const [, method = '', text = ''] = /^(\S+) +(\S+)$/.exec(subject.trim()) ?? []
  if (!METHODS.some(known => known === method)) {
    throw new SettingsError(['policy test: write METHOD PATH[?op=NAME], as in "POST machines/abc?op=deploy"'])
  }
  if (text.includes('*')) {
    throw new SettingsError(['policy test: takes one operation, without stars, as in "POST machines/abc?op=deploy"'])
  }
  const { path, query } = readTarget(text.replace(/^https?:\/\/[^/]*/, ''))
  const operation = findOperation(method, path, query, null)
  const known = findKnown(operation)
  if (known === undefined) {
    const nearest = JSON.stringify(nearestRule(asRule({ ...operation, path: operation.path.replace(API_ROOT, '') })))
    throw new SettingsError([`policy test: MAAS has no such operation; did you mean ${nearest}?`])
  }
  return { operation, known }
}

function readTarget (text: string): Target {
  try {
    return parseTarget(text.startsWith('/') ? text : API_ROOT + text)
  } catch (error) {
    throw new SettingsError([`policy test: ${(error as Error).message}`])
  }
}

/** The styles of methods: reading is harmless, the others are not. */
const METHOD_STYLES: Readonly<Record<string, Style>> = { GET: 'green', DELETE: 'red' }

function list ({ policies, others }: Rules, paint: Paint): PolicyAnswer {
  const rows = knownOperations()
    .filter(({ method, path, op }) => (
      decideByAll(policies, { method, path: API_ROOT + path, op, fromPath: false }).allowed
    ))
    .map(({ method, path, op, versions }) => {
      const word = paint(METHOD_STYLES[method] ?? 'yellow', method.padEnd(6))
      const range = describeVersions(versions)
      return `${word}  ${path}${op === null ? '' : paint('bold', `?op=${op}`)}${range === '' ? '' : `  (${range})`}\n`
    })
  const all = policies.flatMap(policy => policy.rules)
  const singles = all.filter(({ rule }) => namesResource(rule)).map(({ rule, source }) => (
    `  ${source} means ${operationsOf(rule).map(asRule).join(', ')} for that one only\n`
  ))
  const count = `${rows.length} of ${knownOperations().length} operations of MAAS are allowed for every resource`
  const note = others.length === 0 ? '' : `  ${others.join(', ')} may do less; --client NAME lists it\n`
  return { text: `${rows.join('')}${paint('bold', count)}\n${singles.join('')}${note}`, code: EXIT.ok }
}

/** Whether a rule names one resource, so that it means nothing for the others. */
function namesResource (rule: Rule): boolean {
  return operationsOf(rule).some(({ segments }) => (
    rule.segments.some((segment, i) => segment !== '*' && isParameter(segments[i] as string))
  ))
}
