import type { Operation } from '../maas/operations.ts'
import { matches, parseRule, type Rule } from './rule.ts'
import { relativeSegments } from './segments.ts'
import { readShippedRows } from './shipped-rules.ts'

let rows: ReadonlyArray<{ rule: Rule, reason: string }> | undefined

/**
 * Says what is dangerous about an operation: it destroys something, or gives power over machines. The first call reads
 * the table.
 * @returns null if nothing is
 */
export function dangerOf (operation: Operation): string | null {
  rows ??= readShippedRows('dangerous-operations.json').map(({ rule, reason }) => ({ rule: parseRule(rule), reason }))
  const segments = relativeSegments(operation.path)
  return rows.find(({ rule }) => matches(rule, operation, segments))?.reason ?? null
}
