import type { RecordedOperation, Recording } from '../../../observe/recording/recording.ts'
import type { KnownOperation } from '../../../policy/catalogue.ts'
import { dangerOf } from '../../../policy/dangerous-operations.ts'
import { instancesOf } from '../../../policy/instances.ts'
import type { Policy, PolicyVerdict } from '../../../policy/policy.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'
import { decideByAll, policiesFor } from './client-policies.ts'
import { findKnown, ruleFor } from '../../../policy/resources.ts'
import { API_ROOT } from '../../../policy/segments.ts'

/** A rule that a workload needs, with its evidence. */
export interface LearnedRule {
  rule: string
  count: number
  /** the time of the last request; '' if it is not known */
  last: string
  /** the names of the clients, sorted */
  clients: string[]
  isReading: boolean
  /** what is dangerous about the operation; null if nothing is */
  danger: string | null
  /** the refusal of the credential guard, if it refuses all of the requests, whatever the rules; null if it does not */
  guard: Guard | null
  /** whether today's rules allow all of the requests */
  isAllowed: boolean
}

/** Why an operation is guarded. */
interface Guard {
  reason: string
  /** whether the operation can be opened alone */
  opensSingly: boolean
}

/** The refusal of the credential guard, which no rule changes. */
const GUARD = 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED'

/** Whether a request was refused, and not by the guard. Such requests need no rule. */
export function isRefused ({ refused }: Pick<RecordedOperation, 'refused'>): boolean {
  return refused !== null && refused !== GUARD
}

/** Finds the operation of the catalogue that was recorded; undefined if another version has recorded it. */
export function knownOf ({ method, route, op }: RecordedOperation): KnownOperation | undefined {
  return findKnown({ method, path: API_ROOT + route, op })
}

/**
 * Finds the rules that recorded requests need: one for each operation.
 * @param rows without refused ones, and of known operations
 * @param listeners today's, whose rules decide on the requests
 * @param isExact whether a rule keeps the names that were the same in all requests
 */
export function learnRules (
  rows: readonly RecordedOperation[], listeners: readonly ListenerPolicy[], isExact: boolean
): LearnedRule[] {
  const byOperation = Map.groupBy(rows, ({ method, route, op }) => JSON.stringify([method, route, op]))
  return [...byOperation.values()].map(rows => learnRule(rows, listeners, isExact))
    .sort((one, other) => one.rule < other.rule ? -1 : 1)
}

function learnRule (
  rows: RecordedOperation[], listeners: readonly ListenerPolicy[], isExact: boolean
): LearnedRule {
  const [first] = rows as [RecordedOperation]
  const known = knownOf(first) as KnownOperation
  const names = sharedNames(rows)
  const clients = [...new Set(rows.map(({ client }) => client))]
  const verdicts = listeners.flatMap(listener => clients.flatMap(client => (
    verdictsOn(known, names, policiesFor(listener, client))
  )))
  const operation = { method: known.method, path: API_ROOT + known.path, op: known.op, fromPath: false }
  return {
    rule: ruleFor(operation, isExact ? withoutNodeIds(names) : {}) as string,
    count: rows.reduce((sum, { count }) => sum + count, 0),
    last: rows.reduce((last, row) => row.last > last ? row.last : last, ''),
    clients: clients.filter(client => client !== null).sort(),
    isReading: !listeners.some(({ policy }) => policy.hasEffect(operation)),
    danger: dangerOf(operation),
    guard: guardOf(verdicts),
    isAllowed: verdicts.every(({ allowed }) => allowed)
  }
}

/** The names of parameters that are the same in all rows. */
function sharedNames (rows: readonly RecordedOperation[]): Record<string, string> {
  const entries = rows.flatMap(({ names }) => Object.entries(names))
  return Object.fromEntries(entries.filter(([name, value]) => rows.every(({ names }) => names[name] === value)))
}

/** MAAS chooses the ids of machines, so that the next run has others. */
function withoutNodeIds ({ system_id: _id, ...names }: Record<string, string>): Record<string, string> {
  return names
}

/**
 * Decides on an operation for each resource that rules may treat differently. All policies have to allow it. The first
 * verdict is for the resources that no rule names.
 */
export function verdictsOn (
  known: KnownOperation, names: Readonly<Record<string, string>>, policies: readonly Policy[]
): PolicyVerdict[] {
  const rules = policies.flatMap(policy => policy.rules.map(({ rule }) => rule))
  return instancesOf(known, names, rules).map(({ operation }) => decideByAll(policies, operation))
}

function guardOf (verdicts: readonly PolicyVerdict[]): Guard | null {
  const [first] = verdicts
  const isGuarded = verdicts.every(verdict => !verdict.allowed && verdict.code === GUARD)
  if (first === undefined || first.allowed || !isGuarded) return null
  return { reason: first.by.replace('the credential guard: ', ''), opensSingly: first.remedy !== undefined }
}

/**
 * Counts the requests that are left out, by the reason: those for no known operation, and some of the refused ones.
 * @param isLeftOut whether a refused operation is one of them
 */
export function leftOut (
  { operations, others }: Recording, isLeftOut: (row: RecordedOperation) => boolean
): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (reason: string, count: number) => { counts.set(reason, (counts.get(reason) ?? 0) + count) }
  for (const row of operations) {
    const known = knownOf(row)
    if (known === undefined) add('MAAS has no such operation', row.count)
    else if (isLeftOut(row)) {
      add(`refused by ${row.refused}: ${ruleFor({ ...known, path: API_ROOT + known.path })}`, row.count)
    }
  }
  for (const { refused, reason, count } of others) add(refused === null ? reason : `refused by ${refused}`, count)
  return counts
}
