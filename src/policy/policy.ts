import { READING_METHODS } from '../http/methods.ts'
import type { ErrorCode } from '../errors.ts'
import type { Operation } from '../maas/operations.ts'
import { dependsOnOp, matches, type Rule } from './rule.ts'
import { segmentsOf } from './segments.ts'

/** A rule with its origin. */
export interface SourcedRule {
  rule: Rule
  /** the setting or the reason behind the rule: `--deny "POST machines/**"` */
  source: string
}

/** The rules of a {@link Policy}. */
interface PolicyOptions {
  /** operations that hand out, mint, rename or revoke credentials; empty if they are allowed */
  credentialRules: readonly SourcedRule[]
  /** whether only operations without an effect pass */
  readOnly: boolean
  /** GET operations that have an effect, refused if `readOnly` */
  effectfulReads: readonly SourcedRule[]
  /** operations that are refused */
  deny: readonly SourcedRule[]
  /** if there is any, all other operations are refused */
  allow: readonly SourcedRule[]
  /** whether refusals by `allow` and `deny` are only logged; the others always refuse */
  warnOnly: boolean
}

/** A decision, and the rule or reason behind it. */
export type PolicyVerdict = { allowed: true, by: string } | { allowed: false, code: ErrorCode, by: string }

/** The root that paths of rules are relative to. Of other paths, rules match only by `**`. */
export const API_ROOT = '/MAAS/api/2.0/'

/** Decides which operations are allowed. It allocates nothing per rule. */
export class Policy {
  readonly #options: PolicyOptions
  readonly #rules: readonly SourcedRule[]

  constructor (options: PolicyOptions) {
    const { credentialRules, readOnly, effectfulReads, deny, allow } = options
    this.#options = options
    this.#rules = [...credentialRules, ...(readOnly ? effectfulReads : []), ...deny, ...allow]
  }

  /** Whether refusals by allow and deny rules are only logged. */
  get warnOnly (): boolean { return this.#options.warnOnly }

  /** Whether only operations without an effect pass. */
  get readOnly (): boolean { return this.#options.readOnly }

  /** Whether operations that hand out, mint, rename or revoke credentials are refused. */
  get guardsCredentials (): boolean { return this.#options.credentialRules.length > 0 }

  /** The rules of the user, in the order in which they decide. */
  get userRules (): readonly SourcedRule[] { return [...this.#options.deny, ...this.#options.allow] }

  /** All rules in force, in the order in which they decide. */
  get rules (): readonly SourcedRule[] { return this.#rules }

  /** Decides on an operation. The first of these that applies counts: credentials, read-only, deny, allow. */
  decide (operation: Operation): PolicyVerdict {
    const { credentialRules, readOnly, effectfulReads, deny, allow } = this.#options
    const segments = relativeSegments(operation.path)
    const find = (rules: readonly SourcedRule[]) => findBy(rules, operation, segments)

    const credential = find(credentialRules)
    if (credential !== undefined) return refuse('MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', credential)
    if (readOnly && !READING_METHODS.includes(operation.method)) {
      return refuse('MAAS_PROXY_WRITE_REFUSED', '--read-only')
    }
    const effectful = readOnly ? find(effectfulReads) : undefined
    if (effectful !== undefined) return refuse('MAAS_PROXY_WRITE_REFUSED', `--read-only: ${effectful}`)
    const denied = find(deny) ?? (operation.fromPath ? findAsResource(deny, operation, segments) : undefined)
    if (denied !== undefined) return refuse('MAAS_PROXY_RULE_REFUSED', denied)
    if (allow.length === 0) return { allowed: true, by: 'no rule against it' }
    const allowed = find(allow)
    if (allowed === undefined) return refuse('MAAS_PROXY_RULE_REFUSED', 'no --allow rule that means it')
    return { allowed: true, by: allowed }
  }

  /** Whether an operation can have an effect: all do but GET and HEAD, and a few known GET operations. */
  hasEffect (operation: Operation): boolean {
    if (!READING_METHODS.includes(operation.method)) return true
    return findBy(this.#options.effectfulReads, operation, relativeSegments(operation.path)) !== undefined
  }

  /** Whether a request whose op is unknown must be refused. Rules that only warn do not require it. */
  mustKnowOp (method: string, path: string): boolean {
    const { credentialRules, warnOnly } = this.#options
    if (!warnOnly) return this.dependsOnOp(method, path)
    const segments = relativeSegments(path)
    return credentialRules.some(({ rule }) => dependsOnOp(rule, method, segments))
  }

  /** Whether the verdict on a method and a path depends on the op. */
  dependsOnOp (method: string, path: string): boolean {
    if (this.#options.readOnly && !READING_METHODS.includes(method)) return false
    const segments = relativeSegments(path)
    return this.#rules.some(({ rule }) => dependsOnOp(rule, method, segments))
  }
}

function findBy (rules: readonly SourcedRule[], operation: Operation, segments: readonly string[]): string | undefined {
  return rules.find(({ rule }) => matches(rule, operation, segments))?.source
}

/**
 * Finds a rule for the path of an `/op-NAME` operation read as a resource, because MAAS may have one with such a name.
 * A deny rule for either reading refuses.
 */
function findAsResource (
  rules: readonly SourcedRule[], operation: Operation, segments: readonly string[]
): string | undefined {
  return findBy(rules, { ...operation, op: null }, [...segments, `op-${operation.op}`])
}

function refuse (code: ErrorCode, by: string): PolicyVerdict {
  return { allowed: false, code, by }
}

/** Returns the segments below the API's root; none for another path, so that only `**` matches it. */
function relativeSegments (path: string): readonly string[] {
  return path.startsWith(API_ROOT) ? segmentsOf(path.slice(API_ROOT.length)) : []
}
