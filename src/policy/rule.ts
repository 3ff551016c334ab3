import type { Operation } from '../maas/operations.ts'
import { segmentsOf } from './segments.ts'

/** A set of operations, as a person writes it: `METHOD[,METHOD] PATH[?op=NAME]`. */
export interface Rule {
  /** as it was written */
  text: string
  /** null means every method */
  methods: readonly string[] | null
  /** of the path, relative to the API's root; `*` stands for any one */
  segments: readonly string[]
  /** whether the path ends in `**`: the segments and all that follows */
  open: boolean
  /** the name of the operation; '' is the plain method without one, null is any */
  op: string | null
}

const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE']
const SHAPE = /^(\S+) +([^\s?]+)(?:\?(\S*))?$/
const SYNTAX = 'write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'

/**
 * Reads a rule. The path is relative to `/MAAS/api/2.0/`, `*` is one segment of it, `**` at its end is the rest; a slash at
 * its end makes no difference. Without `?op=` a rule means every operation of the path, with an empty one the plain method.
 * @throws Error that says what is wrong
 */
export function parseRule (text: string): Rule {
  const [, methodText, pathText, query] = SHAPE.exec(text.trim()) ?? []
  if (methodText === undefined || pathText === undefined) throw new Error(SYNTAX)
  const methods = methodText === '*' ? null : methodText.split(',')
  const unknown = methods?.find(method => !METHODS.includes(method))
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is not one of ${METHODS.join(', ')} or *; ${SYNTAX}`)
  if (pathText.startsWith('/')) throw new Error(`the path is relative to /MAAS/api/2.0/, so it starts without a slash; ${SYNTAX}`)
  const [, op] = query === undefined ? [null, null] : /^op=([^&=]*)$/.exec(query) ?? []
  if (op === undefined) throw new Error(`behind the question mark stands op=NAME and nothing else; ${SYNTAX}`)
  return { text: text.trim(), methods, op, ...parsePath(pathText) }
}

function parsePath (text: string): Pick<Rule, 'segments' | 'open'> {
  const open = text === '**' || text.endsWith('/**')
  const path = unescape(open ? text.slice(0, -2) : text)
  if (path.split('/').some(segment => segment === '.' || segment === '..')) throw new Error(`a path with . or .. as a segment never gets to MAAS; ${SYNTAX}`)
  const segments = segmentsOf(path)
  const odd = segments.find(segment => segment.includes('*') && segment !== '*')
  if (odd !== undefined) throw new Error(`${JSON.stringify(odd)}: a star stands for a whole segment, two stars for the rest at the end; ${SYNTAX}`)
  return { segments, open }
}

function unescape (path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Error(`the path has an escape that is none; ${SYNTAX}`)
  }
}

/** Whether a rule means an operation. @param segments those of the operation's path: {@link segmentsOf} */
export function matches (rule: Rule, { method, op }: Operation, segments: readonly string[]): boolean {
  return (rule.op === null || rule.op === (op ?? '')) && meansPath(rule, method, segments)
}

/** Whether a rule means some operations of a path and not others, so that the op has to be known. */
export function dependsOnOp (rule: Rule, method: string, segments: readonly string[]): boolean {
  return rule.op !== null && meansPath(rule, method, segments)
}

/** HEAD is what GET is, without the body (RFC 9110 §9.3.2). A loop, so that nothing is allocated per rule. */
function meansPath (rule: Rule, method: string, segments: readonly string[]): boolean {
  if (rule.methods !== null && !rule.methods.includes(method === 'HEAD' ? 'GET' : method)) return false
  if (rule.open ? segments.length < rule.segments.length : segments.length !== rule.segments.length) return false
  for (let i = 0; i < rule.segments.length; i++) {
    if (rule.segments[i] !== '*' && rule.segments[i] !== segments[i]) return false
  }
  return true
}
