import type { RecordedOperation, Recording } from '../../../observe/recording/recording.ts'
import { matchesSome } from '../../../policy/catalogue.ts'
import type { Rule } from '../../../policy/rule.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'
import { countOf } from '../../../text/count.ts'
import type { Paint } from '../../../text/terminal.ts'
import { knownOf } from './learned-rules.ts'

/**
 * Lists the user's rules that match no recorded request, not even a refused one. The rules of a client are compared
 * with its own requests only. A rule that names a resource counts as used where the recording does not keep the names.
 */
export function unusedRules (
  { operations }: Recording, { policy, clients = [] }: ListenerPolicy, paint: Paint
): string {
  const ofClients = clients.flatMap(({ name, policy }) => (
    (policy?.userRules ?? []).map(sourced => ({ ...sourced, rows: operations.filter(({ client }) => client === name) }))
  ))
  const ofListener = [...policy.openedOperations, ...policy.userRules].map(rule => ({ ...rule, rows: operations }))
  const rules = [...ofListener, ...ofClients]
  const unused = rules.filter(({ rule, rows }) => !rows.some(row => mayMean(rule, row)))
  const summary = `${unused.length} of ${countOf(rules.length, 'rule')} mean nothing that was asked for`
  return `${unused.map(({ source }) => `${source}\n`).join('')}${paint('bold', summary)}\n`
}

function mayMean (rule: Rule, row: RecordedOperation): boolean {
  const known = knownOf(row)
  return known !== undefined && matchesSome(rule, known) && rule.segments.every((segment, i) => {
    const { [(known.segments[i] as string).slice(1, -1)]: name } = row.names
    return segment === '*' || name === undefined || segment === name
  })
}
