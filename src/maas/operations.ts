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
}

/** The path with the name of an operation at its end (`urls_api.py`). */
const OP_PATH = /^(.*\/)op-([^/]+)$/

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
  if (resource === undefined || pathOp === undefined) return { method, path, op: parameterOp, fromPath: false }
  return { method, path: resource, op: parameterOp ?? pathOp, fromPath: parameterOp === null }
}

/** Returns the value of the last parameter named `op`, as Django's `QueryDict` does; null if there is none. */
export function lastOp (parameters: readonly Parameter[]): string | null {
  return parameters.findLast(([name]) => name === 'op')?.[1] ?? null
}
