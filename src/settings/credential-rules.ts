import { isParameter, type KnownOperation, operationsOf } from '../policy/catalogue.ts'
import type { CredentialRule } from '../policy/policy.ts'
import { matches, parseRule, type Rule } from '../policy/rule.ts'
import { parseKnownRule } from './rules.ts'
import { readShippedRows } from '../policy/shipped-rules.ts'
import { quote } from './values.ts'

const SYNTAX = 'write one method, one path and ?op=NAME unless it is the plain method, with a star only for the ' +
  'name of a resource, as in "GET machines/*?op=power_parameters"'

/** Reads the table of operations that hand out, mint, rename or revoke credentials. */
export function readCredentialRules (): CredentialRule[] {
  return readShippedRows('credential-operations.json').map(({ rule, reason, opensSingly = true }) => (
    { rule: parseRule(rule), source: `the credential guard: ${reason}`, opensSingly }
  ))
}

/**
 * Parses a rule that means exactly one guarded operation, of all resources of a route or of one. Without `?op=` it is
 * the plain method.
 * @throws Error that says why the rule opens nothing
 */
export function parseCredentialOperation (text: string): Rule {
  const rule = parseKnownRule(text)
  const exact = { ...rule, op: rule.op ?? '' }
  const found = withoutAliases(operationsOf(exact))
  const [first] = found
  if (rule.methods?.length !== 1 || rule.open || found.length > 1 || found.some(known => hasWideStar(rule, known))) {
    throw new Error(`${quote(text)} may mean more than one operation; ${SYNTAX}`)
  }
  if (first === undefined) throw new Error(`${quote(text)} is no operation without ?op=; ${SYNTAX}`)
  const guard = readCredentialRules().find(({ rule }) => matches(rule, first, first.segments))
  if (guard === undefined) throw new Error(`${quote(text)} is not guarded, and needs no opening`)
  if (!guard.opensSingly) {
    throw new Error(`${quote(text)}: operations on API keys open only with --allow-credential-operations`)
  }
  return exact
}

/** The operations without those of a second name of the same resource. */
function withoutAliases (operations: readonly KnownOperation[]): KnownOperation[] {
  const keyOf = ({ method, segments, op }: KnownOperation) => JSON.stringify([method, segments, op])
  return [...new Map(operations.map(known => [keyOf(known), known])).values()]
}

/** Whether a star of a rule stands for a segment that is no parameter. */
function hasWideStar ({ segments }: Rule, known: KnownOperation): boolean {
  return segments.some((segment, i) => segment === '*' && !isParameter(known.segments[i] as string))
}
