import type { Operation } from '../../../maas/operations.ts'
import type { Policy } from '../../../policy/policy.ts'
import { ruleFor } from '../../../policy/resources.ts'
import { countOf } from '../../../text/count.ts'
import { stripControls } from '../../../text/strip-controls.ts'
import type { RequestRecord } from './request-record.ts'

/** What is known of the requests that one rule allows. */
interface Evidence {
  count: number
  last: string
  readonly clients: Set<string>
  readonly isReading: boolean
  /** whether the credential guard refuses all of the requests, whatever the rules */
  isGuarded: boolean
  /** whether today's rules allow all of the requests on all listeners */
  isAllowed: boolean
}

/** The refusal of the credential guard, which no rule changes. */
const GUARD = 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED'

/** Maximum number of client names in the comment of a rule. */
const SHOWN_CLIENTS = 3

/** Learns from requests which rules allow them and nothing else. It keeps no ids, and no more than one row a rule. */
export class LearnedRules {
  readonly #policies: readonly Policy[]
  readonly #rules = new Map<string, Evidence>()
  readonly #leftOut = new Map<string, number>()
  #first = ''
  #last = ''

  /** @param policies of today's listeners */
  constructor (policies: readonly Policy[]) {
    this.#policies = policies
  }

  /** Whether there was any request. */
  get isEmpty (): boolean { return this.#rules.size === 0 && this.#leftOut.size === 0 }

  /** Learns from one request. */
  add ({ operation, time, client, refusal, isKnown }: RequestRecord): void {
    const rule = isKnown ? ruleFor(operation) : null
    if (refusal !== null && refusal !== GUARD) {
      return this.#leaveOut(`refused by ${stripControls(refusal)}${rule === null ? '' : `: ${rule}`}`)
    }
    if (rule === null) return this.#leaveOut(isKnown ? 'MAAS has no such operation' : 'the op is not known')
    const evidence = this.#rules.get(rule) ?? this.#begin(rule, operation)
    const verdicts = this.#policies.map(policy => policy.decide(operation))
    evidence.isGuarded &&= verdicts.every(verdict => !verdict.allowed && verdict.code === GUARD)
    evidence.isAllowed &&= verdicts.every(({ allowed }) => allowed)
    evidence.count++
    if (time > evidence.last) evidence.last = time
    if (client !== null) evidence.clients.add(stripControls(client))
    if (time !== '' && (this.#first === '' || time < this.#first)) this.#first = time
    if (time > this.#last) this.#last = time
  }

  /** Writes the rules for a configuration file, each with its evidence. */
  toYaml (): string {
    const all = [...this.#rules].sort(([one], [other]) => one < other ? -1 : 1)
    const rules = all.filter(([, { isGuarded }]) => !isGuarded)
    const width = Math.max(0, ...rules.map(([rule]) => JSON.stringify(rule).length))
    const total = all.reduce((sum, [, { count }]) => sum + count, 0)
    const span = this.#first === '' ? '' : `, ${this.#first} to ${this.#last}`
    return [
      `# The operations of ${countOf(total, 'request')}${span}.`,
      rules.length === 0 ? '# No rule is needed for them.' : 'allow:',
      ...rules.map(([rule, evidence]) => `  - ${JSON.stringify(rule).padEnd(width)}  # ${describe(evidence)}`),
      ...all.filter(([, { isGuarded }]) => isGuarded).map(([rule, { count }]) => (
        `# Guarded, so it has no rule: ${rule}, ${countOf(count, 'request')}; --allow-credential-operation opens it.`
      )),
      ...[...this.#leftOut].map(([reason, count]) => `# Left out: ${countOf(count, 'request')}; ${reason}.`)
    ].map(line => `${line}\n`).join('')
  }

  #begin (rule: string, operation: Operation): Evidence {
    const isReading = !this.#policies.some(policy => policy.hasEffect(operation))
    const evidence = { count: 0, last: '', clients: new Set<string>(), isReading, isGuarded: true, isAllowed: true }
    this.#rules.set(rule, evidence)
    return evidence
  }

  #leaveOut (reason: string): void {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1)
  }
}

function describe ({ count, last, clients, isReading, isAllowed }: Evidence): string {
  const shown = [...clients].sort().slice(0, SHOWN_CLIENTS)
  const more = clients.size - shown.length
  return [
    ...isReading ? [] : ['WRITES'],
    countOf(count, 'request'),
    ...shown.length === 0 ? [] : [`by ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`],
    ...last === '' ? [] : [`last ${last}`],
    ...isAllowed ? [] : ['refused by the rules of today']
  ].join('; ')
}
