import type { Operation } from './operations.ts'

/** How a request is sent to MAAS: with the proxy's signature, or without one. */
export type Access = 'signed' | 'anonymous'

/**
 * What an operation that MAAS serves without a signature does with one: `same` gives the same answer, `anonymous-only`
 * refuses, `dual` has another *effect*.
 */
export type AnonymousKind = 'same' | 'anonymous-only' | 'dual'

/** One operation that MAAS serves without a signature: a row of `config/anonymous-operations.json`. */
export interface AnonymousOperation {
  method: string
  path: string
  /** null for the plain method */
  op: string | null
  kind: AnonymousKind
  /** how this is known */
  reason: string
}

/** The operations that MAAS serves without a signature. A request that matches none of them exactly is signed. */
export class AnonymousOperations {
  readonly #kinds: ReadonlyMap<string, AnonymousKind>
  readonly #paths: ReadonlySet<string>

  constructor (rows: readonly AnonymousOperation[]) {
    this.#kinds = new Map(rows.map(row => [keyOf(row.method, row.path, row.op), row.kind]))
    this.#paths = new Set(rows.map(row => keyOf(row.method, row.path, null)))
  }

  /**
   * Returns the kind of an operation; undefined if MAAS serves it to signed requests only. MAAS has `/op-NAME` paths
   * for the operations of *signed* callers (`urls_api.py`), so an anonymous-only operation has no such path.
   */
  kindOf (operation: Operation): AnonymousKind | undefined {
    const kind = this.#kinds.get(keyOf(operation.method, operation.path, operation.op))
    return kind === 'anonymous-only' && operation.fromPath ? undefined : kind
  }

  /** Whether a path has an operation with this method that MAAS serves without a signature. */
  hasPath (method: string, path: string): boolean {
    return this.#paths.has(keyOf(method, path, null))
  }
}

/**
 * Decides whether a request is signed or anonymous.
 * @param kind the result of {@link AnonymousOperations.kindOf}
 * @param dual the setting `--dual-operations`
 * @param requested the value of `MAAS-Proxy-Access`, if the request has one
 * @returns null if MAAS does not offer the requested access
 */
export function decideAccess (
  kind: AnonymousKind | undefined, dual: Access, requested: Access | undefined
): Access | null {
  switch (kind) {
    case 'dual': return requested ?? dual
    case 'same': return requested ?? 'anonymous'
    case 'anonymous-only': return requested === 'signed' ? null : 'anonymous'
    case undefined: return requested === 'anonymous' ? null : 'signed'
  }
}

function keyOf (method: string, path: string, op: string | null): string {
  return `${method}\n${path}\n${op ?? ''}` // no path has a line break: `admit` refuses it
}
