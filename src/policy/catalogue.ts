import { readFileSync } from 'node:fs'
import type { Rule } from './rule.ts'
import { segmentsOf } from './segments.ts'
import { packageFile } from '../package.ts'
import { nearest } from '../text/suggestion.ts'

/** An operation that some supported version of MAAS has. */
export interface KnownOperation {
  method: string
  /** relative to the API's root, parameters in braces: `machines/{system_id}/` */
  path: string
  op: string | null
  /** of the path, a parameter as `{…}` */
  segments: readonly string[]
}

const FILE = packageFile('config/operations.json')

let known: readonly KnownOperation[] | undefined

/** Every operation of MAAS 3.4 to 3.8, read when it is first asked for. */
export function knownOperations (): readonly KnownOperation[] {
  known ??= Object.entries(JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Record<string, string[]>>)
    .flatMap(([path, methods]) => Object.entries(methods).flatMap(([method, ops]) => ops.map(op => (
      { method, path, op: op === '' ? null : op, segments: segmentsOf(path) }
    ))))
  return known
}

/** Whether a segment of a known operation is a parameter, which any text fits. */
export function isParameter (segment: string): boolean {
  return segment.startsWith('{')
}

/** The known operations that a rule means, in whole or for one value of a parameter. */
export function operationsOf (rule: Rule): readonly KnownOperation[] {
  return knownOperations().filter(({ method, op, segments }) => (
    (rule.methods === null || rule.methods.includes(method)) &&
    (rule.op === null || rule.op === (op ?? '')) &&
    (rule.open ? segments.length >= rule.segments.length : segments.length === rule.segments.length) &&
    rule.segments.every((segment, i) => segment === '*' || segment === segments[i] || isParameter(segments[i] as string))
  ))
}

/** How a known operation is written as a rule. */
export function asRule ({ method, path, op }: Pick<KnownOperation, 'method' | 'path' | 'op'>): string {
  return `${method} ${path.replaceAll(/\{[^}]+\}/g, '*').replace(/\*\/$/, '*')}${op === null ? '' : `?op=${op}`}`
}

/** The known operation, written as a rule, that a text is most like. */
export function nearestRule (text: string): string {
  return nearest(text, knownOperations().map(asRule))
}
