import type { Operation } from '../../maas/operations.ts'
import { isParameter, type KnownOperation } from '../../policy/catalogue.ts'
import { findKnown, findOnly } from '../../policy/resources.ts'
import { relativeSegments } from '../../policy/segments.ts'

/** What one request was, without any value of its query, header or body. */
export interface RequestFacts {
  method: string
  /** as it was received, without the query; null if it was malformed */
  path: string | null
  /** null outside the API of MAAS, and for a request that was refused before its operation was read */
  operation: Operation | null
  /** why the op is unknown; null if it is known */
  opUnknown: string | null
  /** the address of the listener, as it is configured; null in a log */
  listener: string | null
  /** null for a client without a name */
  client: string | null
  /** the code by which the proxy refused the request; null if it was forwarded */
  refused: string | null
  /** the rule or reason that refused it, or would have in a mode that enforces; null if there is none */
  by: string | null
  /** null if there was no answer */
  status: number | null
  /** when it ended, in ISO 8601; '' if that is not known */
  time: string
}

/** The requests of one kind. */
interface Requests {
  method: string
  listener: string | null
  client: string | null
  refused: string | null
  by: string | null
  count: number
  /** the time of the first and of the last request, in ISO 8601; '' if it is not known */
  first: string
  last: string
  /** counts by class: `2xx`, or `none` without an answer */
  statuses: Record<string, number>
  /** the path of one of the requests, without its query; null if it is too long */
  example: string | null
}

/** The requests for one operation, by one client at one listener, with one outcome. */
export interface RecordedOperation extends Requests {
  /** relative to the API's root, parameters in braces: `machines/{system_id}/` */
  route: string
  op: string | null
  /** the values of the route's parameters that were the same in all requests, by their names */
  names: Record<string, string>
}

/** Requests for no known operation, by one client at one listener, with one outcome. */
export interface OtherRequests extends Requests {
  /** why there is no operation */
  reason: string
}

/** Maximum length of a path or of a name that is kept. MAAS's own names are shorter. */
const MAX_TEXT = 200

/**
 * Counts requests by their operations. It grows with the operations of the catalogue, the clients and the rules, not
 * with what clients send.
 */
export class Recording {
  readonly #operations = new Map<string, RecordedOperation>()
  readonly #others = new Map<string, OtherRequests>()

  get operations (): RecordedOperation[] { return [...this.#operations.values()] }

  get others (): OtherRequests[] { return [...this.#others.values()] }

  /** Whether nothing was recorded. */
  get isEmpty (): boolean { return this.#operations.size === 0 && this.#others.size === 0 }

  /** Counts one request. The proxy's own pages do not count. */
  add (facts: RequestFacts): void {
    const { operation, opUnknown, refused } = facts
    if (operation === null) {
      if (refused !== null) this.addOthers({ ...requestsOf(facts, facts.method), reason: BEFORE_OPERATION })
      return
    }
    const method = operation.method === 'HEAD' ? 'GET' : operation.method
    const known = opUnknown === null ? findKnown(operation) : findOnly(operation)
    if (known === undefined) {
      return this.addOthers({ ...requestsOf(facts, method), reason: opUnknown ?? 'MAAS has no such operation' })
    }
    const names = namesOf(known, operation.path)
    this.addOperation({ ...requestsOf(facts, method), route: known.path, op: known.op, names })
  }

  /** Adds the counts of another recording. */
  merge ({ operations, others }: Pick<Recording, 'operations' | 'others'>): void {
    for (const row of operations) this.addOperation(row)
    for (const row of others) this.addOthers(row)
  }

  /** Adds requests for one operation. */
  addOperation (row: RecordedOperation): void {
    const key = JSON.stringify([row.method, row.route, row.op, row.listener, row.client, row.refused])
    const found = this.#operations.get(key)
    if (found === undefined) {
      this.#operations.set(key, structuredClone(row))
      return
    }
    count(found, row)
    for (const [name, value] of Object.entries(found.names)) if (row.names[name] !== value) delete found.names[name]
  }

  /** Adds requests for no known operation. */
  addOthers (row: OtherRequests): void {
    const key = JSON.stringify([row.method, row.reason, row.listener, row.client, row.refused])
    const found = this.#others.get(key)
    if (found === undefined) this.#others.set(key, structuredClone(row))
    else count(found, row)
  }
}

const BEFORE_OPERATION = 'refused before its operation was read'

function requestsOf ({ listener, client, refused, by, status, time, path }: RequestFacts, method: string): Requests {
  const statuses = { [status === null ? 'none' : `${Math.floor(status / 100)}xx`]: 1 }
  const example = path === null || path.length > MAX_TEXT ? null : path
  return { method, listener, client, refused, by, count: 1, first: time, last: time, statuses, example }
}

/** The values of the parameters of a route in a path. */
function namesOf ({ segments }: KnownOperation, path: string): Record<string, string> {
  const values = relativeSegments(path)
  return Object.fromEntries(segments.flatMap((segment, i) => {
    const value = values[i] as string
    return isParameter(segment) && value.length <= MAX_TEXT ? [[segment.slice(1, -1), value]] : []
  }))
}

/** Adds the requests of a row to those of another. */
function count (row: Requests, { count, first, last, statuses, by, example }: Requests): void {
  row.count += count
  if (first !== '' && (row.first === '' || first < row.first)) row.first = first
  if (last > row.last) row.last = last
  for (const [name, more] of Object.entries(statuses)) row.statuses[name] = (row.statuses[name] ?? 0) + more
  row.by = by ?? row.by
  row.example ??= example
}
