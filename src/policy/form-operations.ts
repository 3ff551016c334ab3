import type { Operation } from '../maas/operations.ts'
import { matches, parseRule, type Rule } from './rule.ts'
import { relativeSegments } from './segments.ts'
import { readShippedRows } from './shipped-rules.ts'

let rules: readonly Rule[] | undefined

/**
 * Whether MAAS takes the parameters of an operation from a form only (`request.POST`), and answers a success to any
 * other body, which it ignores. The first call reads the table.
 */
export function ignoresOtherBodies (operation: Operation): boolean {
  rules ??= readShippedRows('form-operations.json').map(({ rule }) => parseRule(rule))
  const segments = relativeSegments(operation.path)
  return rules.some(rule => matches(rule, operation, segments))
}
