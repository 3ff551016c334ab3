import { isParameter, type KnownOperation, knownOperations } from './catalogue.ts'
import { API_ROOT } from './policy.ts'
import { segmentsOf } from './segments.ts'

/** A resource that some supported version of MAAS has. */
export interface Resource {
  /** its route, relative to the API's root, parameters in braces: `machines/{system_id}/` */
  readonly template: string
  /** which segment of a path is the id of a machine or other node; -1 where none is */
  readonly systemIdAt: number
  /** the operations by method; null is the plain one */
  readonly operations: Map<string, Set<string | null>>
}

interface Branch {
  readonly literals: Map<string, Branch>
  parameter: Branch | null
  resource: Resource | null
}

let root: Branch | undefined

/**
 * Finds the resource that a path leads to, so that a path can be counted under a name of which there are only so many.
 * @param path absolute, decoded, slashes collapsed
 * @returns null for what is not in the catalogue
 */
export function findResource (path: string): Resource | null {
  if (!path.startsWith(API_ROOT)) return null
  root ??= grow(knownOperations())
  let branch: Branch | null | undefined = root
  for (const segment of segmentsOf(path.slice(API_ROOT.length))) {
    branch = branch.literals.get(segment) ?? branch.parameter
    if (branch === null) return null
  }
  return branch.resource
}

/** Whether a resource has an operation. HEAD is GET without a body. */
export function hasOperation ({ operations }: Resource, method: string, op: string | null): boolean {
  return operations.get(method === 'HEAD' ? 'GET' : method)?.has(op) === true
}

/** The id of the machine or other node that a path of a resource names; null where it names none. */
export function systemIdOf ({ systemIdAt }: Resource, path: string): string | null {
  return segmentsOf(path.slice(API_ROOT.length))[systemIdAt] ?? null
}

function grow (operations: readonly KnownOperation[]): Branch {
  const trunk = newBranch()
  for (const { method, path, op, segments } of operations) {
    let branch = trunk
    for (const segment of segments) branch = isParameter(segment) ? branch.parameter ??= newBranch() : literal(branch, segment)
    // Of two names for the same resource, as pods and vm-hosts, the later one in the alphabet is the one in use.
    branch.resource = { template: path, systemIdAt: segments.indexOf('{system_id}'), operations: branch.resource?.operations ?? new Map() }
    const ops = branch.resource.operations.get(method) ?? new Set()
    branch.resource.operations.set(method, ops.add(op))
  }
  return trunk
}

function literal ({ literals }: Branch, segment: string): Branch {
  const branch = literals.get(segment) ?? newBranch()
  literals.set(segment, branch)
  return branch
}

function newBranch (): Branch {
  return { literals: new Map(), parameter: null, resource: null }
}
