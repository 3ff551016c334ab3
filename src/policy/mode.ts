import { countOf } from '../text/count.ts'
import type { Policy } from './policy.ts'

/** Describes in a few words what a policy allows: `read-only, 5 rules`. Each opened operation is named. */
export function describeMode (policy: Policy): string {
  const { readOnly, userRules: { length }, warnOnly, guardsCredentials, openedOperations } = policy
  const rules = `${countOf(length, 'rule')}${warnOnly ? ', which only warn' : ''}`
  return [
    readOnly ? 'read-only' : 'reads and writes',
    ...length === 0 ? [] : [rules],
    ...guardsCredentials ? [] : ['operations on credentials too'],
    ...openedOperations.map(({ rule: { text } }) => `${text} too`)
  ].join(', ')
}
