import type { Policy } from '../../../policy/policy.ts'
import { ruleFor } from '../../../policy/resources.ts'
import { stripControls } from '../../../text/strip-controls.ts'
import type { RequestRecord } from './request-record.ts'

/** What is known of the requests that one rule allows. */
interface Evidence {
  count: number
  last: string
  readonly clients: Set<string>
  isReading: boolean
  /** whether the credential guard refuses the operation, whatever the rules */
  isGuarded: boolean
  /** whether today's rules allow it on all listeners */
  isAllowed: boolean
}

/** The refusal of the credential guard, which no rule changes. */
const GUARD = 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED'

/** The most names of clients beside a rule. */
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
    const verdicts = this.#policies.map(policy => policy.decide(operation))
    const evidence = this.#rules.get(rule) ?? {
      count: 0,
      last: time,
      clients: new Set(),
      isReading: !this.#policies.some(policy => policy.hasEffect(operation)),
      isGuarded: verdicts.every(verdict => !verdict.allowed && verdict.code === GUARD),
      isAllowed: verdicts.every(({ allowed }) => allowed)
    }
    this.#rules.set(rule, evidence)
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
    return [
      `# The operations of ${times(total, 'request')}${this.#first === '' ? '' : `, ${this.#first} to ${this.#last}`}.`,
      rules.length === 0 ? '# No rule is needed for them.' : 'allow:',
      ...rules.map(([rule, evidence]) => `  - ${JSON.stringify(rule).padEnd(width)}  # ${describe(evidence)}`),
      ...all.filter(([, { isGuarded }]) => isGuarded).map(([rule, { count }]) => (
        `# Guarded, so it has no rule: ${rule}, ${times(count, 'request')}; --allow-credential-operation opens it.`
      )),
      ...[...this.#leftOut].map(([reason, count]) => `# Left out: ${times(count, 'request')}; ${reason}.`)
    ].map(line => `${line}\n`).join('')
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
    times(count, 'request'),
    ...shown.length === 0 ? [] : [`by ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`],
    ...last === '' ? [] : [`last ${last}`],
    ...isAllowed ? [] : ['refused by the rules of today']
  ].join('; ')
}

function times (count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
