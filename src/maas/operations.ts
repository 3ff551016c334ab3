import type { Parameter } from './query.ts'

/** What MAAS will run: a method on a path, and of a path with several operations the one named by `op`. */
export interface Operation {
  method: string
  /** decoded, slashes collapsed, without an ending `/op-NAME`: `/MAAS/api/2.0/machines/` */
  path: string
  op: string | null
  /** whether the op came from an ending `/op-NAME`, a form that MAAS has for signed operations only */
  fromPath: boolean
}

/** The ending that MAAS gives every operation a URL of its own by (`urls_api.py`). */
const OP_PATH = /^(.*\/)op-([^/]+)$/

/**
 * Finds the operation as MAAS does (`api/support.py dispatch`): the last `op` of the query if that one is not empty
 * (`?op=allocate&op=` is a create), else the last one of a form body on POST, else the path's ending `/op-NAME`.
 * @param path decoded, slashes collapsed
 * @param formOp the last `op` of a form body; null where the body has none or was not looked at
 */
export function findOperation (method: string, path: string, query: readonly Parameter[], formOp: string | null): Operation {
  const [, resource, pathOp] = OP_PATH.exec(path) ?? []
  const stated = lastOp(query) || (method === 'POST' && formOp) || null
  if (resource === undefined || pathOp === undefined) return { method, path, op: stated, fromPath: false }
  return { method, path: resource, op: stated ?? pathOp, fromPath: stated === null }
}

/** The value of the last parameter named `op`, the one that Django's `QueryDict` answers with; null where there is none. */
export function lastOp (parameters: readonly Parameter[]): string | null {
  return parameters.findLast(([name]) => name === 'op')?.[1] ?? null
}
