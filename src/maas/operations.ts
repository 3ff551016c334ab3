import type { Parameter } from './query.ts'

/** An operation of MAAS, as a request names it: a method, a path, and `op` where the path has several operations. */
export interface Operation {
  method: string
  /** decoded, slashes collapsed, without an ending `/op-NAME`: `/MAAS/api/2.0/machines/` */
  path: string
  /** null for the plain method */
  op: string | null
  /** whether the op comes from an ending `/op-NAME`, which MAAS has for operations of signed callers only */
  fromPath: boolean
  /**
   * The less likely reading of a path that ends in `/op-NAME`: the name of a resource, where it is taken for an
   * operation, and the other way round. Only rules that refuse apply to it. Other paths have none.
   */
  otherReading?: Operation
}

/** The path with the name of an operation at its end (`urls_api.py`, `re_path`). */
const OP_PATH = /^(.*\/)op-([^/]+)$/

/**
 * The routes that end in a parameter without a slash. MAAS adds `/op-NAME` to routes with a slash at their end only
 * (`urls_api.py`, `re_path`), and the resources above these have no operations of their own. So an ending `op-NAME` is
 * a name here: a script may be called `op-backup`. A test compares the list with `config/operations.json`.
 */
const SLASHLESS_ROUTE = new RegExp(`^/MAAS/api/2\\.0/(?:${[
  'commissioning-scripts', 'scripts', 'virtual-machines', 'vm-clusters', 'license-key/[^/]+',
  'nodes/[^/]+/blockdevices/[^/]+/partitions?'
].join('|')})/[^/]+$`)

/**
 * Finds the operation as MAAS does (`api/support.py`, `dispatch`): the last `op` of the query unless it is empty
 * (`?op=allocate&op=` is a create), else the last `op` of a form body on POST, else the path's ending `/op-NAME`.
 * @param path decoded, slashes collapsed
 * @param formOp the last `op` of a form body; null if the body has none or was not read
 */
export function findOperation (
  method: string, path: string, query: readonly Parameter[], formOp: string | null
): Operation {
  const [, resource, pathOp] = OP_PATH.exec(path) ?? []
  const parameterOp = lastOp(query) || (method === 'POST' && formOp) || null
  const asResource: Operation = { method, path, op: parameterOp, fromPath: false }
  if (resource === undefined || pathOp === undefined) return asResource
  const asOperation = { method, path: resource, op: parameterOp ?? pathOp, fromPath: parameterOp === null }
  return SLASHLESS_ROUTE.test(path)
    ? { ...asResource, otherReading: asOperation }
    : { ...asOperation, otherReading: asResource }
}

/** Returns the value of the last parameter named `op`, as Django's `QueryDict` does; null if there is none. */
export function lastOp (parameters: readonly Parameter[]): string | null {
  return parameters.findLast(([name]) => name === 'op')?.[1] ?? null
}
