import type { Rule } from './rule.ts'
import { segmentsOf } from './segments.ts'
import { packageFile, readPackageFile } from '../package.ts'
import { nearest } from '../text/suggestion.ts'

/** The versions of MAAS that have an operation; undefined where they are the oldest or the newest supported ones. */
export interface Versions {
  /** the first version that has it */
  since?: string
  /** the first version that has it no more */
  goneIn?: string
}

/** An operation of some supported version of MAAS. */
export interface KnownOperation {
  method: string
  /** relative to the API's root, parameters in braces: `machines/{system_id}/` */
  path: string
  /** null for the plain method */
  op: string | null
  /** the segments of the path, parameters in braces */
  segments: readonly string[]
  versions: Versions
}

/** A row of the file: the names of the operations of a path by method, '' for the plain method. */
type Row = { path: string } & Versions & { [Method in typeof METHODS[number]]?: string[] }

const FILE = packageFile('config/operations.json')
const METHODS = ['DELETE', 'GET', 'POST', 'PUT'] as const

let operations: readonly KnownOperation[] | undefined

/** The oldest and the newest version of MAAS whose operations the catalogue has. */
export const CATALOGUED = { oldest: '3.4', newest: '4.0' } as const

/**
 * Returns every operation of the versions from {@link CATALOGUED}. The first call reads the file, which
 * `config/operations.mjs` makes.
 */
export function knownOperations (): readonly KnownOperation[] {
  operations ??= (JSON.parse(readPackageFile(FILE)) as Row[]).flatMap(row => METHODS.flatMap(method => (
    (row[method] ?? []).map(op => operationOf(row, method, op))
  )))
  return operations
}

function operationOf ({ path, since, goneIn }: Row, method: string, op: string): KnownOperation {
  const versions = { ...since === undefined ? {} : { since }, ...goneIn === undefined ? {} : { goneIn } }
  return { method, path, op: op === '' ? null : op, segments: segmentsOf(path), versions }
}

/** Describes the versions that have an operation: `since MAAS 3.8`, `gone in MAAS 4.0`; '' if all supported ones do. */
export function describeVersions ({ since, goneIn }: Versions): string {
  const begin = since === undefined ? [] : [`since MAAS ${since}`]
  return [...begin, ...goneIn === undefined ? [] : [`gone in MAAS ${goneIn}`]].join(', ')
}

/** Whether a segment of a known operation is a parameter, which any text matches. */
export function isParameter (segment: string): boolean {
  return segment.startsWith('{')
}

/** Returns the known operations that a rule matches, for all values of their parameters or for some. */
export function operationsOf (rule: Rule): readonly KnownOperation[] {
  return knownOperations().filter(known => matchesSome(rule, known))
}

/** Whether a rule matches a known operation, for all values of its parameters or for some. */
export function matchesSome (rule: Rule, { method, op, segments }: KnownOperation): boolean {
  return (rule.methods === null || rule.methods.includes(method)) &&
    (rule.op === null || rule.op === (op ?? '')) &&
    (rule.open ? segments.length >= rule.segments.length : segments.length === rule.segments.length) &&
    rule.segments.every((segment, i) => (
      segment === '*' || segment === segments[i] || isParameter(segments[i] as string)
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
