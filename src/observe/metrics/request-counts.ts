import type { Operation } from '../../maas/operations.ts'
import { findResource, hasOperation, type Resource } from '../../policy/resources.ts'
import type { Outcome } from '../../exchange/plugin.ts'

/** What stands for everything that is not in the catalogue of MAAS's operations: clients make up as many paths as they like. */
const OTHER = 'other'

/** What stands where there is nothing. */
const NONE = 'none'

/** What requests are counted by. Each of these has only so many values: methods are those that node's parser knows. */
export interface RequestLabels {
  method: string
  resource: string
  op: string
  access: string
  status: string
}

interface Count { readonly labels: RequestLabels, value: number }

/** How the two that differ from request to request make one number together. */
const ACCESS_NUMBERS = { anonymous: 1, signed: 2 } as const

/** Counts requests by what was asked and what came of it. */
export class RequestCounts {
  readonly #counts = new Map<string, Count>()
  /** what was counted lately, by operation and then by what came of it, so that the same need not be looked up again */
  readonly #recent = new WeakMap<Operation, Map<number, Count>>()

  add (outcome: Outcome): void {
    const { exchange: { operation, access }, status } = outcome
    const recent = operation === null ? undefined : this.#recentOf(operation)
    const key = (status ?? 0) * 3 + (access === null ? 0 : ACCESS_NUMBERS[access])
    let count = recent?.get(key)
    if (count === undefined) {
      count = this.#countFor(outcome)
      recent?.set(key, count)
    }
    count.value++
  }

  get samples (): readonly Count[] { return [...this.#counts.values()] }

  #recentOf (operation: Operation): Map<number, Count> {
    const known = this.#recent.get(operation)
    if (known !== undefined) return known
    const made = new Map<number, Count>()
    this.#recent.set(operation, made)
    return made
  }

  #countFor (outcome: Outcome): Count {
    const { request: { method }, exchange: { operation, access }, status } = outcome
    const resource = resourceOf(outcome)
    const isKnown = (op: string) => typeof resource !== 'string' && hasOperation(resource, method, op)
    const labels = {
      method,
      resource: typeof resource === 'string' ? resource : resource.template,
      op: operation?.op == null ? NONE : isKnown(operation.op) ? operation.op : OTHER,
      access: access ?? NONE,
      status: status === null ? NONE : String(status)
    }
    const key = JSON.stringify(labels)
    const count = this.#counts.get(key) ?? { labels, value: 0 }
    this.#counts.set(key, count)
    return count
  }
}

/** What is not for MAAS has a route of ours, of which there are few. */
function resourceOf ({ request, exchange: { operation } }: Outcome): Resource | string {
  if (operation !== null) return findResource(operation.path) ?? OTHER
  const { url } = request.routeOptions
  return url === undefined || url.endsWith('*') ? OTHER : url
}
