import { findOperation, type Operation } from '../maas/operations.ts'
import { isParameter, type KnownOperation, matchesSome } from './catalogue.ts'
import type { Rule } from './rule.ts'
import { API_ROOT } from './segments.ts'

/** An operation on one resource, as a request would name it. */
export interface Instance {
  operation: Operation
  /** relative to the API's root; a parameter that stands for all other names is in braces: `tags/{name}/` */
  path: string
}

/**
 * Finds the resources of an operation between which rules may tell: one for each name that a rule has, and one for all
 * other names, which is the first.
 * @param names the values of parameters that are fixed, by their names
 */
export function instancesOf (
  known: KnownOperation, names: Readonly<Record<string, string>>, rules: readonly Rule[]
): Instance[] {
  const { method, path, op, segments } = known
  const able = rules.filter(rule => matchesSome(rule, known))
  let paths = [path]
  for (const [i, segment] of segments.entries()) {
    if (!isParameter(segment)) continue
    const { [segment.slice(1, -1)]: fixed } = names
    const named = able.map(rule => rule.segments[i]).filter(name => name !== undefined && name !== '*')
    const values = fixed === undefined ? [segment, ...new Set(named)] : [fixed]
    paths = paths.flatMap(path => values.map(value => path.replace(segment, () => value as string)))
  }
  return paths.map(path => (
    { operation: findOperation(method, API_ROOT + path, op === null ? [] : [['op', op]], null), path }
  ))
}
