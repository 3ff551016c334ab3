import type { Operation } from '../../maas/operations.ts'
import { findResource, hasOperation, type Resource } from '../../policy/resources.ts'
import type { Outcome } from '../../exchange/plugin.ts'

/** The label of everything outside the catalogue of MAAS's operations, since clients may send any number of paths. */
const OTHER = 'other'

/** The label of an op that is not known. */
const UNKNOWN = 'unknown'

/** The label of an absent value. */
const NONE = 'none'

/** The labels that requests are counted by. Each has a bounded set of values; `method` has those of node's parser. */
interface RequestLabels {
  method: string
  resource: string
  op: string
  access: string
  status: string
}

interface Count { readonly labels: RequestLabels, value: number }

/** Numbers that make a key together with the status. */
const ACCESS_NUMBERS = { anonymous: 1, signed: 2 } as const

/** Counts requests by operation, access and status. */
export class RequestCounts {
  readonly #counts = new Map<string, Count>()
  /** a cache by operation, then by status and access: it spares the lookup in the catalogue */
  readonly #recent = new WeakMap<Operation, Map<number, Count>>()

  /** Counts one request. */
  add (outcome: Outcome): void {
    const { exchange: { operation, opUnknown, access }, status } = outcome
    const recent = operation === null || opUnknown !== null ? undefined : this.#recentOf(operation)
    const key = (status ?? 0) * 3 + (access === null ? 0 : ACCESS_NUMBERS[access])
    let count = recent?.get(key)
    if (count === undefined) {
      count = this.#countFor(outcome)
      recent?.set(key, count)
    }
    count.value++
  }

  /** The counts so far, one for each combination of labels. */
  get samples (): readonly Count[] { return [...this.#counts.values()] }

  #recentOf (operation: Operation): Map<number, Count> {
    const known = this.#recent.get(operation)
    if (known !== undefined) return known
    const counts = new Map<number, Count>()
    this.#recent.set(operation, counts)
    return counts
  }

  #countFor (outcome: Outcome): Count {
    const { request: { method }, exchange: { op, opUnknown, access }, status } = outcome
    const resource = resourceOf(outcome)
    const isKnown = (op: string) => typeof resource !== 'string' && hasOperation(resource, method, op)
    const labels = {
      method,
      resource: typeof resource === 'string' ? resource : resource.template,
      op: opUnknown !== null ? UNKNOWN : op === null ? NONE : isKnown(op) ? op : OTHER,
      access: access ?? NONE,
      status: status === null ? NONE : String(status)
    }
    const key = JSON.stringify(labels)
    const count = this.#counts.get(key) ?? { labels, value: 0 }
    this.#counts.set(key, count)
    return count
  }
}

/** Returns the resource of the catalogue, or the route of one of the proxy's own pages. */
function resourceOf ({ request, exchange: { operation } }: Outcome): Resource | string {
  if (operation !== null) return findResource(operation.path) ?? OTHER
  const { url } = request.routeOptions
  return url === undefined || url.endsWith('*') ? OTHER : url
}
