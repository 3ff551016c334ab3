import type { Operation } from '../maas/operations.ts'
import { segmentsOf } from './segments.ts'

/** A pattern of operations, written as `METHOD[,METHOD] PATH[?op=NAME]`. */
export interface Rule {
  /** the rule as it was written */
  text: string
  /** null means every method */
  methods: readonly string[] | null
  /** the segments of the path, relative to the API's root; `*` matches any one */
  segments: readonly string[]
  /** whether the path ends in `**`, which matches any number of further segments */
  open: boolean
  /** the name of the operation; '' matches the plain method only, null matches any */
  op: string | null
}

const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE']
const SHAPE = /^(\S+) +([^\s?]+)(?:\?(\S*))?$/
const SYNTAX = 'write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'

/**
 * Parses a rule. The path is relative to `/MAAS/api/2.0/`; `*` is one segment, `**` at the end is any number of further
 * ones, and a slash at the end is ignored. Without `?op=` the rule matches every operation of the path; with an empty
 * one it matches the plain method.
 * @throws Error whose message names the problem
 */
export function parseRule (text: string): Rule {
  const [, methodText, pathText, query] = SHAPE.exec(text.trim()) ?? []
  if (methodText === undefined || pathText === undefined) throw new Error(SYNTAX)
  const methods = methodText === '*' ? null : methodText.split(',')
  const unknown = methods?.find(method => !METHODS.includes(method))
  if (unknown !== undefined) {
    throw new Error(`${JSON.stringify(unknown)} is not one of ${METHODS.join(', ')} or *; ${SYNTAX}`)
  }
  if (pathText.startsWith('/')) {
    throw new Error(`the path is relative to /MAAS/api/2.0/, so it starts without a slash; ${SYNTAX}`)
  }
  const [, op] = query === undefined ? [null, null] : /^op=([^&=]*)$/.exec(query) ?? []
  if (op === undefined) throw new Error(`after the question mark, write op=NAME and nothing else; ${SYNTAX}`)
  return { text: text.trim(), methods, op, ...parsePath(pathText) }
}

function parsePath (text: string): Pick<Rule, 'segments' | 'open'> {
  const open = text === '**' || text.endsWith('/**')
  const path = unescape(open ? text.slice(0, -2) : text)
  if (path.split('/').some(segment => segment === '.' || segment === '..')) {
    throw new Error(`a path with . or .. as a segment never gets to MAAS; ${SYNTAX}`)
  }
  const segments = segmentsOf(path)
  const invalid = segments.find(segment => segment.includes('*') && segment !== '*')
  if (invalid !== undefined) {
    const problem = 'a star stands for a whole segment, two stars at the end for any further segments'
    throw new Error(`${JSON.stringify(invalid)}: ${problem}; ${SYNTAX}`)
  }
  return { segments, open }
}

function unescape (path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Error(`the path has a malformed percent-escape; ${SYNTAX}`)
  }
}

/**
 * Whether a rule matches an operation.
 * @param segments the segments of the operation's path, from {@link segmentsOf}
 */
export function matches (
  rule: Rule, { method, op }: Pick<Operation, 'method' | 'op'>, segments: readonly string[]
): boolean {
  return (rule.op === null || rule.op === (op ?? '')) && matchesPath(rule, method, segments)
}

/**
 * Whether a rule matches some operations of a path and not others.
 * @param segments the segments of the path, from {@link segmentsOf}
 */
export function dependsOnOp (rule: Rule, method: string, segments: readonly string[]): boolean {
  return rule.op !== null && matchesPath(rule, method, segments)
}

/** Rules for GET match HEAD (RFC 9110 §9.3.2). A loop, so that nothing is allocated per rule. */
function matchesPath (rule: Rule, method: string, segments: readonly string[]): boolean {
  if (rule.methods !== null && !rule.methods.includes(method === 'HEAD' ? 'GET' : method)) return false
  if (rule.open ? segments.length < rule.segments.length : segments.length !== rule.segments.length) return false
  for (let i = 0; i < rule.segments.length; i++) {
    if (rule.segments[i] !== '*' && rule.segments[i] !== segments[i]) return false
  }
  return true
}
