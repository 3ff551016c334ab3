import { knownOperations } from '../../../policy/catalogue.ts'
import type { Operation } from '../../../maas/operations.ts'
import { instancesOf } from '../../../policy/instances.ts'
import type { Policy } from '../../../policy/policy.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'
import { countOf } from '../../../text/count.ts'
import type { Paint } from '../../../text/terminal.ts'
import { EXIT } from '../../command.ts'
import { decideByAll, policiesFor } from './client-policies.ts'

/** A configuration file and its policies. */
export interface NamedPolicies {
  file: string
  listeners: readonly ListenerPolicy[]
}

/** What one configuration alone allows: to any client, or to one that has rules of its own. */
interface Difference {
  file: string
  client: string | null
  operations: string[]
}

/**
 * Lists the operations that one configuration allows and the other does not: what one of its listeners allows, and
 * then, where that is more, what it allows to each client. A path without braces is of one resource that a rule names.
 * @returns the text, and the exit code: 0 if both allow the same
 */
export function diffPolicies (
  one: NamedPolicies, other: NamedPolicies, paint: Paint
): { text: string, code: number } {
  const clients = [one, other].flatMap(({ listeners }) => listeners).flatMap(({ clients = [] }) => clients)
  const names = [null, ...new Set(clients.map(({ name }) => name).sort())]
  const all = names.flatMap(client => [alone(one, other, client), alone(other, one, client)])
  const differences = all.map(({ file, client, operations }) => {
    const general = all.find(found => found.file === file && found.client === null && client !== null)?.operations ?? []
    return { file, client, operations: operations.filter(text => !general.includes(text)) }
  }).filter(({ operations }) => operations.length > 0)
  const text = differences.map(({ file, client, operations }) => {
    const whom = client === null ? '' : ` the client ${client}`
    const title = paint('bold', `${file} alone allows${whom} ${countOf(operations.length, 'operation')}:`)
    return `${title}\n${operations.map(text => `  ${text}\n`).join('')}`
  }).join('')
  const same = `${one.file} and ${other.file} allow the same operations\n`
  return { text: text || same, code: differences.length === 0 ? EXIT.ok : EXIT.failure }
}

/**
 * Lists the operations that one configuration allows a client and another does not.
 * @param client its name; null for a client without rules of its own
 */
function alone ({ file, listeners }: NamedPolicies, other: NamedPolicies, client: string | null): Difference {
  const own = policiesIn(listeners, client)
  const others = policiesIn(other.listeners, client)
  const rules = [...own, ...others].flat().flatMap(policy => policy.rules.map(({ rule }) => rule))
  const allows = (all: ReadonlyArray<readonly Policy[]>, operation: Operation) => (
    all.some(policies => decideByAll(policies, operation).allowed)
  )
  const operations = knownOperations().flatMap(known => (
    instancesOf(known, {}, rules)
      .filter(({ operation }) => allows(own, operation) && !allows(others, operation))
      .map(({ path }) => `${known.method} ${path}${known.op === null ? '' : `?op=${known.op}`}`)
  ))
  return { file, client, operations }
}

/** The policies of each listener that a client may use; a listener that asks for names lets in those it knows. */
function policiesIn (listeners: readonly ListenerPolicy[], client: string | null): ReadonlyArray<readonly Policy[]> {
  return listeners
    .filter(({ clients }) => client === null || clients === undefined || clients.some(({ name }) => name === client))
    .map(listener => policiesFor(listener, client))
}
