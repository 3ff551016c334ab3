import { findResource, hasOperation, type Resource } from '../policy/resources.ts'
import type { Outcome } from './exchanges.ts'

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

/** Counts requests by what was asked and what came of it. No text is made for it: a count is found by what the catalogue has anyway. */
export class RequestCounts {
  readonly #all: Count[] = []
  readonly #counts = new Map<Resource | string, Map<string, Map<string, Map<number, Count>>>>()

  add (outcome: Outcome): void {
    const { request: { method }, exchange: { operation, access }, status } = outcome
    const resource = resourceOf(outcome)
    const op = operation === null || operation.op === null ? NONE : typeof resource !== 'string' && hasOperation(resource, method, operation.op) ? operation.op : OTHER
    const counts = within(within(within(this.#counts, resource), method), op)
    const key = (status ?? 0) * 3 + (access === null ? 0 : ACCESS_NUMBERS[access])
    const known = counts.get(key)
    if (known !== undefined) {
      known.value++
      return
    }
    const template = typeof resource === 'string' ? resource : resource.template
    const count = { labels: { method, resource: template, op, access: access ?? NONE, status: status === null ? NONE : String(status) }, value: 1 }
    counts.set(key, count)
    this.#all.push(count)
  }

  get samples (): readonly Count[] { return this.#all }
}

/** What is not for MAAS has a route of ours, of which there are few. */
function resourceOf ({ request, exchange: { operation } }: Outcome): Resource | string {
  if (operation !== null) return findResource(operation.path) ?? OTHER
  const { url } = request.routeOptions
  return url === undefined || url.endsWith('*') ? OTHER : url
}

function within<Key, InnerKey, Value> (map: Map<Key, Map<InnerKey, Value>>, key: Key): Map<InnerKey, Value> {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = new Map<InnerKey, Value>()
  map.set(key, made)
  return made
}
