import { READING_METHODS } from '../http/methods.ts'
import type { ErrorCode } from '../errors.ts'
import type { Operation } from '../maas/operations.ts'
import { dependsOnOp, matches, type Rule } from './rule.ts'
import { segmentsOf } from './segments.ts'

/** A rule, and the reason or the setting that it comes from. */
export interface SourcedRule {
  rule: Rule
  /** as people would name it: `--deny "POST machines/**"` */
  source: string
}

/** What may be asked of MAAS. */
export interface PolicyOptions {
  /** operations that hand out, mint, rename or revoke credentials; empty where they are allowed */
  credentialRules: readonly SourcedRule[]
  readOnly: boolean
  /** reads that have an effect all the same, refused when `readOnly` */
  effectfulReads: readonly SourcedRule[]
  deny: readonly SourcedRule[]
  /** one of these closes everything that none of them means */
  allow: readonly SourcedRule[]
  /** whether what `allow` and `deny` refuse is only logged; the rest is refused in any case */
  warnOnly: boolean
}

/** What is decided of an operation, and by what. */
export type PolicyVerdict = { allowed: true, by: string } | { allowed: false, code: ErrorCode, by: string }

/** The root that rules are relative to. Other paths are known to no rule. */
export const API_ROOT = '/MAAS/api/2.0/'

/** Decides on operations. Nothing is allocated per rule. */
export class Policy {
  readonly #options: PolicyOptions
  readonly #rules: readonly SourcedRule[]

  constructor (options: PolicyOptions) {
    const { credentialRules, readOnly, effectfulReads, deny, allow } = options
    this.#options = options
    this.#rules = [...credentialRules, ...(readOnly ? effectfulReads : []), ...deny, ...allow]
  }

  get warnOnly (): boolean { return this.#options.warnOnly }

  /** All rules that are in force, in the order in which they are looked at. */
  get rules (): readonly SourcedRule[] { return this.#rules }

  /** Decides by the first of these that has something to say: credentials, read-only, deny, allow. */
  decide (operation: Operation): PolicyVerdict {
    const { credentialRules, readOnly, effectfulReads, deny, allow } = this.#options
    const segments = relativeSegments(operation.path)
    const find = (rules: readonly SourcedRule[]) => findBy(rules, operation, segments)

    const credential = find(credentialRules)
    if (credential !== undefined) return { allowed: false, code: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', by: credential }
    if (readOnly && !READING_METHODS.includes(operation.method)) return { allowed: false, code: 'MAAS_PROXY_WRITE_REFUSED', by: '--read-only' }
    const effectful = readOnly ? find(effectfulReads) : undefined
    if (effectful !== undefined) return { allowed: false, code: 'MAAS_PROXY_WRITE_REFUSED', by: `--read-only: ${effectful}` }
    // Where MAAS has a resource whose name begins with `op-`, the path is its, and no operation's: either reading may be denied.
    const denied = find(deny) ?? (operation.fromPath ? findBy(deny, { ...operation, op: null }, [...segments, `op-${operation.op}`]) : undefined)
    if (denied !== undefined) return { allowed: false, code: 'MAAS_PROXY_RULE_REFUSED', by: denied }
    if (allow.length === 0) return { allowed: true, by: 'no rule against it' }
    const allowed = find(allow)
    return allowed === undefined ? { allowed: false, code: 'MAAS_PROXY_RULE_REFUSED', by: 'no --allow rule that means it' } : { allowed: true, by: allowed }
  }

  /** Whether an operation can change anything: all can but GET and HEAD, and of those the known few. */
  hasEffect (operation: Operation): boolean {
    return !READING_METHODS.includes(operation.method) || findBy(this.#options.effectfulReads, operation, relativeSegments(operation.path)) !== undefined
  }

  /** Whether the op has to be known, or else nothing may pass: rules that are only to warn are no reason. */
  mustKnowOp (method: string, path: string): boolean {
    const { credentialRules, warnOnly } = this.#options
    const segments = relativeSegments(path)
    return warnOnly ? credentialRules.some(({ rule }) => dependsOnOp(rule, method, segments)) : this.dependsOnOp(method, path)
  }

  /** Whether the verdict on a method and a path depends on which operation it is. */
  dependsOnOp (method: string, path: string): boolean {
    if (this.#options.readOnly && !READING_METHODS.includes(method)) return false
    const segments = relativeSegments(path)
    return this.#rules.some(({ rule }) => dependsOnOp(rule, method, segments))
  }
}

function findBy (rules: readonly SourcedRule[], operation: Operation, segments: readonly string[]): string | undefined {
  return rules.find(({ rule }) => matches(rule, operation, segments))?.source
}

/** A path beyond the API's root has no segments, so that only `**` means it. */
function relativeSegments (path: string): readonly string[] {
  return path.startsWith(API_ROOT) ? segmentsOf(path.slice(API_ROOT.length)) : []
}
