import { describeOffset } from '../maas/clock.ts'
import type { Readiness } from '../observe/health.ts'
import type { Paint } from '../text/terminal.ts'
import type { Example } from './examples.ts'

/** The facts about one listener that its clients may know, for people and programs. */
export interface ListenerFacts {
  /** the version of the proxy */
  version: string
  /** where this machine reaches the listener: `http://127.0.0.1:5241` or `unix:PATH` */
  address: string
  /** whether it listens on all addresses of the machine */
  isWildcard: boolean
  maas: {
    url: string
    /** null if MAAS has not said it yet */
    version: string | null
  }
  /** the name of MAAS's user that the key belongs to; null if MAAS has not said it yet */
  user: string | null
  readiness: Readiness
  /** by how much the clock of MAAS is ahead of ours, in seconds; null if MAAS has not told its time yet */
  clockOffsetSeconds: number | null
  /** what the rules allow, in a few words */
  mode: string
  /** the user's rules, each with its setting */
  rules: readonly string[]
  /** whether clients need a token */
  needsToken: boolean
  /** how clients are identified, in a few words; null if they need no name */
  clients: string | null
  /** lines to copy, without operations that the rules refuse */
  examples: readonly Example[]
}

/** A fact as a row of a table. */
export type FactRow = readonly [name: string, text: string]

const UNKNOWN = 'not known yet'

/** The facts as rows for people, in the order of their importance. */
export function factRows (facts: ListenerFacts): FactRow[] {
  const { address, isWildcard, maas, user, clockOffsetSeconds, mode, clients, rules } = facts
  const { ready, reason, remedy } = facts.readiness
  return [
    ['listens on', isWildcard ? `${address} and all other addresses of this machine` : address],
    ['MAAS', maas.version === null ? maas.url : `${maas.url}, version ${maas.version}`],
    ['API key of', user ?? UNKNOWN],
    ['ready', `${ready ? 'yes' : 'no'}: ${reason}`],
    ...remedy === null ? [] : [['to do', remedy] as const],
    ['clock', clockOffsetSeconds === null ? UNKNOWN : `that of MAAS is ${describeOffset(clockOffsetSeconds)}`],
    ['mode', mode],
    ...clients === null ? [] : [['clients', clients] as const],
    ...rules.map(rule => ['rule', rule] as const)
  ]
}

const TITLE = 'signs requests to the API of MAAS; clients need no API key'

/** The title of pages and overviews. */
export function titleOf ({ version }: ListenerFacts): string {
  return `maas-auth-proxy ${version} ${TITLE}`
}

/** Formats the facts as aligned lines. @param indent the beginning of each line */
export function formatFacts (facts: ListenerFacts, paint: Paint, indent = ''): string {
  const rows = factRows(facts)
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => {
    const styled = name === 'ready' ? paint(facts.readiness.ready ? 'green' : 'red', text) : text
    return `${indent}${paint('dim', name.padEnd(width))}  ${styled}\n`
  }).join('')
}
