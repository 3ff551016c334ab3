import type { Operation } from '../maas/operations.ts'
import { asRule, isParameter, type KnownOperation, knownOperations, type Versions } from './catalogue.ts'
import { API_ROOT, segmentsOf } from './segments.ts'

/** A resource of some supported version of MAAS. */
export interface Resource {
  /** its route, relative to the API's root, parameters in braces: `machines/{system_id}/` */
  readonly template: string
  /** the index of the segment that is the id of a machine or other node; -1 if there is none */
  readonly systemIdAt: number
  /** its operations by method and name; null is the plain method */
  readonly operations: Map<string, Map<string | null, KnownOperation>>
  /** the versions that have it */
  readonly versions: Versions
}

interface Branch {
  readonly literals: Map<string, Branch>
  parameter: Branch | null
  resource: Resource | null
}

let root: Branch | undefined

/**
 * Finds the resource of a path. The number of resources is bounded, so they may be labels of metrics.
 * @param path absolute, decoded, slashes collapsed
 * @returns null if the catalogue has no such resource
 */
export function findResource (path: string): Resource | null {
  if (!path.startsWith(API_ROOT)) return null
  root ??= buildTree(knownOperations())
  let branch: Branch | null | undefined = root
  for (const segment of segmentsOf(path.slice(API_ROOT.length))) {
    branch = branch.literals.get(segment) ?? branch.parameter
    if (branch === null) return null
  }
  return branch.resource
}

/** Finds an operation of a resource. */
export function operationOf (resource: Resource, method: string, op: string | null): KnownOperation | undefined {
  return operationsBy(resource, method)?.get(op)
}

/** The operations of a resource by one method. HEAD is GET without a body. */
function operationsBy (
  { operations }: Resource, method: string
): ReadonlyMap<string | null, KnownOperation> | undefined {
  return operations.get(method === 'HEAD' ? 'GET' : method)
}

/** Whether a resource has an operation. */
export function hasOperation (resource: Resource, method: string, op: string | null): boolean {
  return operationOf(resource, method, op) !== undefined
}

/** Finds the operation of the catalogue that a request means. */
export function findKnown (
  { method, path, op }: Pick<Operation, 'method' | 'path' | 'op'>
): KnownOperation | undefined {
  const resource = findResource(path)
  return resource === null ? undefined : operationOf(resource, method, op)
}

/**
 * Finds the operation that a request means whatever its form has: that of a resource which has no other operation by
 * this method. MAAS refuses a form with an op there.
 */
export function findOnly ({ method, path, op }: Pick<Operation, 'method' | 'path' | 'op'>): KnownOperation | undefined {
  const resource = findResource(path)
  const operations = resource === null ? undefined : operationsBy(resource, method)
  return op === null && operations?.size === 1 ? operations.get(null) : undefined
}

/**
 * Returns the rule that allows exactly one operation.
 * @param names the values of parameters that the rule names; it means all values of the others
 * @returns null if MAAS has no such operation
 */
export function ruleFor (
  { method, path, op }: Pick<Operation, 'method' | 'path' | 'op'>, names: Readonly<Record<string, string>> = {}
): string | null {
  const resource = findResource(path)
  const operations = resource === null ? undefined : operationsBy(resource, method)
  const known = operations?.get(op)
  if (operations === undefined || known === undefined) return null
  const isOneOfSeveral = known.op === null && operations.size > 1
  return `${asRule({ ...known, path: withNames(known.path, names) })}${isOneOfSeveral ? '?op=' : ''}`
}

/** Puts names in the place of parameters. A name with a star, which a rule cannot have, stays a parameter. */
function withNames (route: string, names: Readonly<Record<string, string>>): string {
  const path = route.replaceAll(/\{([^}]+)\}/g, (parameter, name: string) => {
    const { [name]: value = '*' } = names
    return value.includes('*') ? parameter : encodeURIComponent(value).replaceAll("'", '%27').replaceAll('%2F', '/')
  })
  return route.endsWith('}/') ? path.slice(0, -1) : path
}

/** Returns the id of the machine or other node in a path of a resource; null if it has none. */
export function systemIdOf ({ systemIdAt }: Resource, path: string): string | null {
  return segmentsOf(path.slice(API_ROOT.length))[systemIdAt] ?? null
}

function buildTree (operations: readonly KnownOperation[]): Branch {
  const tree = newBranch()
  for (const known of operations) {
    const { method, path, op, segments } = known
    let branch = tree
    for (const segment of segments) {
      branch = isParameter(segment) ? branch.parameter ??= newBranch() : literalBranch(branch, segment)
    }
    // Of two names of a resource, such as pods and vm-hosts, the current one comes later in the alphabet.
    const operations = branch.resource?.operations ?? new Map<string, Map<string | null, KnownOperation>>()
    const systemIdAt = segments.indexOf('{system_id}')
    branch.resource = { template: path, systemIdAt, operations, versions: known.versions }
    const ops = operations.get(method) ?? new Map<string | null, KnownOperation>()
    operations.set(method, ops.set(op, known))
  }
  return tree
}

function literalBranch ({ literals }: Branch, segment: string): Branch {
  const branch = literals.get(segment) ?? newBranch()
  literals.set(segment, branch)
  return branch
}

function newBranch (): Branch {
  return { literals: new Map(), parameter: null, resource: null }
}
