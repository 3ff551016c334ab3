import { fileURLToPath } from 'node:url'
import { type AnonymousKind, type AnonymousOperation, AnonymousOperations } from '../maas/access.ts'
import { quote, readJsonFile } from './values.ts'
import { packageFile, readPackageFile } from '../package.ts'

const SHIPPED = packageFile('config/anonymous-operations.json')

/** The path of the table that the package ships. */
export const SHIPPED_ANONYMOUS_OPERATIONS = fileURLToPath(SHIPPED)

const KINDS: readonly AnonymousKind[] = ['same', 'anonymous-only', 'dual']
const KEYS = ['method', 'path', 'op', 'kind', 'reason']

/**
 * Reads a table of the operations that MAAS serves to anyone.
 * @param path a JSON file with a list of rows `{ method, path, op, kind, reason }`
 * @throws Error that names the row and what is wrong with it
 */
export function readAnonymousOperations (path: string): AnonymousOperations {
  const isShipped = path === SHIPPED_ANONYMOUS_OPERATIONS
  const rows: unknown = isShipped ? JSON.parse(readPackageFile(SHIPPED)) : readJsonFile(path)
  if (!Array.isArray(rows)) throw new Error(`${quote(path)}: not a list of rows`)
  const keys = new Set<string>()
  return new AnonymousOperations(rows.map((row: unknown, i) => {
    const problem = checkRow(row, keys)
    if (problem !== null) throw new Error(`${quote(path)}: row ${i + 1} ${problem}`)
    return row as AnonymousOperation
  }))
}

/**
 * Checks one row.
 * @param keys the operations of the rows before; that of this row is added
 * @returns what is wrong with the row; null if nothing is
 */
function checkRow (row: unknown, keys: Set<string>): string | null {
  if (typeof row !== 'object' || row === null) return 'is not an object'
  const unknown = Object.keys(row).find(key => !KEYS.includes(key))
  if (unknown !== undefined) return `has an unknown key ${quote(unknown)}; the keys are ${KEYS.join(', ')}`
  const { method, path, op, kind, reason } = row as Record<keyof AnonymousOperation, unknown>
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method)) return 'has no method in upper case'
  if (typeof path !== 'string' || !path.startsWith('/MAAS/api/')) return 'has no path below /MAAS/api/'
  if (op !== null && (typeof op !== 'string' || op === '')) return 'has an op that is neither a name nor null'
  if (!KINDS.includes(kind as AnonymousKind)) return `has a kind that is not one of ${KINDS.join(', ')}`
  if (typeof reason !== 'string' || reason.trim() === '') return 'has no reason'
  const key = JSON.stringify([method, path, op])
  if (keys.has(key)) return 'names an operation that an earlier row has'
  keys.add(key)
  return null
}
