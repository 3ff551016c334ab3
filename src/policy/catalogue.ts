import { readFileSync } from 'node:fs'
import type { Rule } from './rule.ts'
import { segmentsOf } from './segments.ts'
import { packageFile } from '../package.ts'
import { nearest } from '../text/suggestion.ts'

/** An operation of some supported version of MAAS. */
export interface KnownOperation {
  method: string
  /** relative to the API's root, parameters in braces: `machines/{system_id}/` */
  path: string
  /** null for the plain method */
  op: string | null
  /** the segments of the path, parameters in braces */
  segments: readonly string[]
}

const FILE = packageFile('config/operations.json')

let operations: readonly KnownOperation[] | undefined

/** Returns every operation of MAAS 3.4 to 3.8. The first call reads the file. */
export function knownOperations (): readonly KnownOperation[] {
  operations ??= Object.entries(JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Record<string, string[]>>)
    .flatMap(([path, methods]) => Object.entries(methods).flatMap(([method, ops]) => ops.map(op => (
      { method, path, op: op === '' ? null : op, segments: segmentsOf(path) }
    ))))
  return operations
}

/** Whether a segment of a known operation is a parameter, which any text matches. */
export function isParameter (segment: string): boolean {
  return segment.startsWith('{')
}

/** Returns the known operations that a rule matches, for all values of their parameters or for some. */
export function operationsOf (rule: Rule): readonly KnownOperation[] {
  return knownOperations().filter(({ method, op, segments }) => (
    (rule.methods === null || rule.methods.includes(method)) &&
    (rule.op === null || rule.op === (op ?? '')) &&
    (rule.open ? segments.length >= rule.segments.length : segments.length === rule.segments.length) &&
    rule.segments.every((segment, i) => (
      segment === '*' || segment === segments[i] || isParameter(segments[i] as string)
    ))
  ))
}

/** Returns the rule that matches a known operation. */
export function asRule ({ method, path, op }: Pick<KnownOperation, 'method' | 'path' | 'op'>): string {
  const pattern = path.replaceAll(/\{[^}]+\}/g, '*').replace(/\*\/$/, '*')
  return `${method} ${pattern}${op === null ? '' : `?op=${op}`}`
}

/** Returns the rule of the known operation that a text is most similar to. */
export function nearestRule (text: string): string {
  return nearest(text, knownOperations().map(asRule))
}
