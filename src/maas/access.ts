import type { Operation } from './operations.ts'

/** How a request goes to MAAS: with our signature, or as it came. */
export type Access = 'signed' | 'anonymous'

/**
 * What MAAS does with an operation that it also serves to anyone:
 * `same` answers alike either way, `anonymous-only` refuses a signed request, `dual` has another *effect* when signed.
 */
export type AnonymousKind = 'same' | 'anonymous-only' | 'dual'

/** One operation that MAAS serves without a signature, and how we know. */
export interface AnonymousOperation {
  method: string
  path: string
  op: string | null
  kind: AnonymousKind
  reason: string
}

/** The operations that MAAS serves to anyone. Whatever is not in it, near misses included, is signed. */
export class AnonymousOperations {
  readonly #kinds: ReadonlyMap<string, AnonymousKind>
  readonly #paths: ReadonlySet<string>

  constructor (rows: readonly AnonymousOperation[]) {
    this.#kinds = new Map(rows.map(row => [keyOf(row.method, row.path, row.op), row.kind]))
    this.#paths = new Set(rows.map(row => keyOf(row.method, row.path, null)))
  }

  /**
   * How MAAS serves the operation to anyone; undefined where it does not. MAAS makes `/op-NAME` paths from what it
   * exports to *signed* callers (`urls_api.py`), so an anonymous-only operation has no such path.
   */
  kindOf (operation: Operation): AnonymousKind | undefined {
    const kind = this.#kinds.get(keyOf(operation.method, operation.path, operation.op))
    return kind === 'anonymous-only' && operation.fromPath ? undefined : kind
  }

  /** Whether the path has an operation with this method that MAAS serves to anyone. */
  hasPath (method: string, path: string): boolean {
    return this.#paths.has(keyOf(method, path, null))
  }
}

/**
 * Decides between signed and anonymous.
 * @param kind what {@link AnonymousOperations.kindOf} says of the operation
 * @param dual the setting for `dual` operations
 * @param asked what the client asked for this one request in `MAAS-Proxy-Access`, if it did
 * @returns the access; null where the client asked for one that MAAS does not offer
 */
export function decideAccess (kind: AnonymousKind | undefined, dual: Access, asked: Access | undefined): Access | null {
  switch (kind) {
    case 'dual': return asked ?? dual
    case 'same': return asked ?? 'anonymous'
    case 'anonymous-only': return asked === 'signed' ? null : 'anonymous'
    case undefined: return asked === 'anonymous' ? null : 'signed'
  }
}

function keyOf (method: string, path: string, op: string | null): string {
  return `${method}\n${path}\n${op ?? ''}` // no path has a line break: `admit` refuses it
}
