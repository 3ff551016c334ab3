import { READING_METHODS } from '../http/methods.ts'
import type { ErrorCode } from '../errors.ts'
import type { Operation } from '../maas/operations.ts'
import { ruleFor } from './resources.ts'
import { dependsOnOp, matches, type Rule } from './rule.ts'
import { relativeSegments } from './segments.ts'

/** A rule with its origin. */
export interface SourcedRule {
  rule: Rule
  /** the setting or the reason behind the rule: `--deny "POST machines/**"` */
  source: string
}

/** A rule of the credential guard. */
export interface CredentialRule extends SourcedRule {
  /** whether its operations can be opened one by one; if not, only all guarded operations together */
  opensSingly: boolean
}

/** The rules of a {@link Policy}. */
interface PolicyOptions {
  /** operations that hand out, mint, rename or revoke credentials; empty if they are allowed */
  credentialRules: readonly CredentialRule[]
  /** single operations that the guard lets pass; each rule means one operation */
  openedOperations: readonly SourcedRule[]
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
  /** the client whose own rules these are; null for the rules of a listener */
  client: string | null
}

/** A refusal: its error, the rule or reason behind it, and a remedy if the error has no better one. */
interface Refusal {
  allowed: false
  code: ErrorCode
  by: string
  remedy?: string
  /**
   * the rule that would allow exactly this operation, where no allow rule does; null if MAAS has no such operation, as
   * far as it was read
   */
  missingRule?: string | null
}

/** A decision, and the rule or reason behind it. */
export type PolicyVerdict = { allowed: true, by: string } | Refusal

/**
 * Decides which operations are allowed: for a listener, or, by the own rules of a client, for that one. Both have to
 * allow an operation, so a client's rules only narrow. It allocates nothing per rule.
 */
export class Policy {
  readonly #options: PolicyOptions
  /** the rules that always refuse */
  readonly #guard: readonly SourcedRule[]
  readonly #rules: readonly SourcedRule[]

  constructor (options: PolicyOptions) {
    const { credentialRules, openedOperations, readOnly, effectfulReads, deny, allow } = options
    this.#options = options
    this.#guard = [...openedOperations, ...credentialRules]
    this.#rules = [...this.#guard, ...(readOnly ? effectfulReads : []), ...deny, ...allow]
  }

  /** Whether refusals by allow and deny rules are only logged. */
  get warnOnly (): boolean { return this.#options.warnOnly }

  /** Whether only operations without an effect pass. */
  get readOnly (): boolean { return this.#options.readOnly }

  /** Whether operations that hand out, mint, rename or revoke credentials are refused. */
  get guardsCredentials (): boolean { return this.#options.credentialRules.length > 0 }

  /** The guarded operations that the guard lets pass. */
  get openedOperations (): readonly SourcedRule[] { return this.#options.openedOperations }

  /** The rules of the user, in the order in which they decide. */
  get userRules (): readonly SourcedRule[] { return [...this.#options.deny, ...this.#options.allow] }

  /** All rules in force, in the order in which they decide. */
  get rules (): readonly SourcedRule[] { return this.#rules }

  /**
   * Decides on an operation. The first of these that applies counts: credentials, read-only, deny, allow. If its path
   * can be read in two ways, a rule that refuses either reading refuses both. The guard lets both pass if the likely
   * one is opened.
   */
  decide (operation: Operation): PolicyVerdict {
    const { otherReading } = operation
    const { allow, openedOperations, client } = this.#options
    const isOpened = findBy(openedOperations, operation, relativeSegments(operation.path)) !== undefined
    const refusal = this.#refuse(operation, isOpened) ??
      (otherReading === undefined ? null : this.#refuse(otherReading, isOpened))
    if (refusal !== null) return refusal
    if (allow.length === 0) return { allowed: true, by: 'no rule against it' }
    const allowed = findBy(allow, operation, relativeSegments(operation.path))
    if (allowed === undefined) return refuseUnnamed(operation, client)
    return { allowed: true, by: allowed.source }
  }

  /**
   * Finds the first rule, other than an allow rule, that refuses an interpretation of the request.
   * @param isOpened whether the guard lets the operation pass
   * @returns null if there is none
   */
  #refuse (operation: Operation, isOpened: boolean): Refusal | null {
    const { credentialRules, readOnly, effectfulReads, deny, client } = this.#options
    const segments = relativeSegments(operation.path)
    const guard = isOpened ? undefined : findBy(credentialRules, operation, segments)
    if (guard !== undefined) return refuseCredential(guard, operation)
    if (readOnly && !READING_METHODS.includes(operation.method)) return refuseWrite(client)
    const effectful = readOnly ? findBy(effectfulReads, operation, segments) : undefined
    if (effectful !== undefined) return refuseWrite(client, `: ${effectful.source}`)
    const denied = findBy(deny, operation, segments)
    return denied === undefined ? null : refuseDenied(denied, client)
  }

  /** Whether an operation can have an effect: all do but GET and HEAD, and a few known GET operations. */
  hasEffect (operation: Operation): boolean {
    if (!READING_METHODS.includes(operation.method)) return true
    return findBy(this.#options.effectfulReads, operation, relativeSegments(operation.path)) !== undefined
  }

  /** Whether a request whose op is unknown must be refused. Rules that only warn do not require it. */
  mustKnowOp (operation: Operation): boolean {
    return this.warnOnly ? dependOnOp(this.#guard, operation) : this.dependsOnOp(operation)
  }

  /** Whether the verdict on a method and a path depends on the op. */
  dependsOnOp (operation: Operation): boolean {
    if (this.#options.readOnly && !READING_METHODS.includes(operation.method)) return false
    return dependOnOp(this.#rules, operation)
  }
}

function findBy<T extends SourcedRule> (
  rules: readonly T[], operation: Operation, segments: readonly string[]
): T | undefined {
  return rules.find(({ rule }) => matches(rule, operation, segments))
}

/** Whether some rules mean some operations of a path, in either of its readings, and not others. */
function dependOnOp (rules: readonly SourcedRule[], { method, path, otherReading }: Operation): boolean {
  const segments = relativeSegments(path)
  if (rules.some(({ rule }) => dependsOnOp(rule, method, segments))) return true
  return otherReading !== undefined && dependOnOp(rules, otherReading)
}

function refuse (code: ErrorCode, by: string): Refusal {
  return { allowed: false, code, by }
}

/** Refuses what has an effect. @param client whose rules are read-only; null if the listener is */
function refuseWrite (client: string | null, reason = ''): Refusal {
  if (client === null) return refuse('MAAS_PROXY_WRITE_REFUSED', `--read-only${reason}`)
  const refusal = refuse('MAAS_PROXY_WRITE_REFUSED', `read-only of the client ${client}${reason}`)
  return { ...refusal, remedy: `remove read-only from the rules of the client ${client}` }
}

/** Refuses an operation that a deny rule means. @param client whose rule it is; null if it is the listener's */
function refuseDenied ({ source }: SourcedRule, client: string | null): Refusal {
  const refusal = refuse('MAAS_PROXY_RULE_REFUSED', source)
  return client === null ? refusal : { ...refusal, remedy: `remove that rule if the client ${client} is to do this` }
}

/** Refuses an operation that no allow rule means. The remedy names the rule that would, if MAAS has the operation. */
function refuseUnnamed (operation: Operation, client: string | null): Refusal {
  const [by, setting] = client === null
    ? ['no --allow rule that means it', '--allow']
    : [`no allow rule of the client ${client} that means it`, 'the client\'s rule allow']
  const refusal = refuse('MAAS_PROXY_RULE_REFUSED', by)
  const missingRule = ruleFor(operation)
  if (missingRule === null) return { ...refusal, missingRule }
  return { ...refusal, remedy: `allow it with ${setting} ${JSON.stringify(missingRule)}`, missingRule }
}

/** Refuses a guarded operation. The remedy names the rule that opens it, if it opens singly and MAAS has it. */
function refuseCredential ({ source, opensSingly }: CredentialRule, operation: Operation): Refusal {
  const refusal = refuse('MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', source)
  const rule = opensSingly ? ruleFor(operation) : null
  if (rule === null) return refusal
  const remedy = `do it in MAAS itself, or start with --allow-credential-operation ${JSON.stringify(rule)}`
  return { ...refusal, remedy }
}
