import type { RecordedOperation, Recording } from '../../../observe/recording/recording.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'
import { countOf } from '../../../text/count.ts'
import { stripControls } from '../../../text/strip-controls.ts'
import { isRefused, knownOf, type LearnedRule, learnRules, leftOut } from './learned-rules.ts'

/** How learned rules are written. */
export interface LearnedForm {
  /** whether rules keep the names that were always the same */
  isExact: boolean
  /** whether each client has a section of its own */
  isByClient: boolean
  /** whether to write flags, not a part of a configuration file */
  isFlags: boolean
}

/** Maximum number of client names in the evidence of a rule. */
const SHOWN_CLIENTS = 3

/**
 * Writes the rules that a recording needs, each with its evidence, and what was left out.
 * @param listeners today's, with their policies; if there are several, each has its own rules
 */
export function describeRules (
  recording: Recording, listeners: readonly ListenerPolicy[], form: LearnedForm
): string {
  const rows = recording.operations.filter(row => knownOf(row) !== undefined && !isRefused(row))
  const rules = learnRules(rows, listeners, form.isExact)
  return [
    heading(rows),
    ...listeners.length > 1 ? sections(rows, listeners, form) : section(rows, listeners, form),
    ...rules.flatMap(({ rule, count, guard }) => {
      if (guard === null) return []
      const way = guard.opensSingly
        ? `--allow-credential-operation '${rule}' opens it.`
        : 'It opens only with all others, by --allow-credential-operations.'
      return [`# Guarded, so it has no rule: ${rule}, ${countOf(count, 'request')}; ${guard.reason} ${way}`]
    }),
    ...[...leftOut(recording, isRefused)]
      .map(([reason, count]) => `# Left out: ${countOf(count, 'request')}; ${reason}.`)
  ].map(line => `${stripControls(line)}\n`).join('')
}

function heading (rows: readonly RecordedOperation[]): string {
  const times = rows.flatMap(({ first, last }) => [first, last]).filter(time => time !== '').sort()
  const span = times.length === 0 ? '' : `, ${toSeconds(times[0] as string)} to ${toSeconds(times.at(-1) as string)}`
  return `# The operations of ${countOf(rows.reduce((sum, { count }) => sum + count, 0), 'request')}${span}.`
}

/** The list of listeners of a configuration file, with the rules of each. */
function sections (
  rows: readonly RecordedOperation[], listeners: readonly ListenerPolicy[], form: LearnedForm
): string[] {
  const ownRows = ({ addresses }: ListenerPolicy) => rows.filter(({ listener }) => addresses.includes(String(listener)))
  const elsewhere = rows.filter(({ listener }) => !listeners.some(one => one.addresses.includes(String(listener))))
  const foreign = section(elsewhere, listeners, form).map(line => `# ${line}`)
  return [
    'listeners:',
    ...listeners.flatMap(one => [
      `  - listen: ${JSON.stringify(one.addresses.map(address => address.replace(/^https?:\/\//, '')))}`,
      ...section(ownRows(one), [one], form).map(line => `    ${line}`)
    ]),
    ...elsewhere.length === 0 ? [] : ['# At an address that none of these listeners has:', ...foreign]
  ]
}

/** The rules of one listener. */
function section (
  rows: readonly RecordedOperation[], listeners: readonly ListenerPolicy[], form: LearnedForm
): string[] {
  if (!form.isByClient) return list(learnUnguarded(rows, listeners, form), form)
  const byClient = [...Map.groupBy(rows, ({ client }) => client)]
    .sort(([one], [other]) => String(one) < String(other) ? -1 : 1)
  const named = byClient.flatMap(([client, rows]) => {
    const rules = learnUnguarded(rows, listeners, form)
    if (client === null || rules.length === 0) return []
    return [`  - name: ${JSON.stringify(client)}`, ...list(rules, form).map(line => `    ${line}`)]
  })
  const nameless = learnUnguarded(rows.filter(({ client }) => client === null), listeners, form)
  return [
    ...named.length === 0 ? ['# No client with a name needs a rule.'] : ['clients:', ...named],
    ...nameless.map(rule => `# Of clients without a name, so in no section: ${rule.rule}; ${evidence(rule)}.`)
  ]
}

function learnUnguarded (
  rows: readonly RecordedOperation[], listeners: readonly ListenerPolicy[], { isExact }: LearnedForm
): LearnedRule[] {
  return learnRules(rows, listeners, isExact).filter(({ guard }) => guard === null)
}

/** The rules as a list of YAML, or as flags. No rule has a single quote: names are percent-encoded. */
function list (rules: readonly LearnedRule[], { isFlags }: LearnedForm): string[] {
  if (rules.length === 0) return ['# No rule is needed for them.']
  if (isFlags) {
    const flags = rules.map(({ rule }) => `--allow '${rule}'`).join(' \\\n').split('\n')
    return [...rules.map(rule => `# ${rule.rule}: ${evidence(rule)}`), ...flags]
  }
  const width = Math.max(...rules.map(({ rule }) => JSON.stringify(rule).length))
  return ['allow:', ...rules.map(rule => `  - ${JSON.stringify(rule.rule).padEnd(width)}  # ${evidence(rule)}`)]
}

/** How often, by whom and when last, and what a reader should look at twice. */
function evidence ({ count, last, clients, isReading, danger, isAllowed }: LearnedRule): string {
  const shown = clients.slice(0, SHOWN_CLIENTS)
  const more = clients.length - shown.length
  return [
    ...danger === null ? [] : [`DANGEROUS: ${danger.charAt(0).toLowerCase()}${danger.slice(1, -1)}`],
    ...danger !== null || isReading ? [] : ['WRITES'],
    countOf(count, 'request'),
    ...shown.length === 0 ? [] : [`by ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`],
    ...last === '' ? [] : [`last ${toSeconds(last)}`],
    ...isAllowed ? [] : ['refused by the rules of today']
  ].join('; ')
}

/** A time of ISO 8601 to the second. */
function toSeconds (time: string): string {
  return time.replace(/\.\d+(?=Z$)/, '')
}
