import { unquote } from './python.ts'
import type { Json } from './python.ts'

/** The parameters of a request (`request.data`, `request.GET`). */
export interface Fields {
  /** Whether it is None, so that a form takes it for no form at all. */
  isNone?: true
  /** Fails where a form of Django would: it reads the items of what it gets. */
  checkItems (): void
  /** Returns the last value of a name. */
  get (name: string): string | undefined
  /** Returns all values of a name. */
  getlist (name: string): string[]
  /** Returns every name with all its values, in the order of first occurrence. */
  lists (): Array<[string, string[]]>
}

/** Django's QueryDict: names with one or more values. */
export class QueryDict implements Fields {
  readonly #values = new Map<string, string[]>()

  constructor (pairs: Iterable<readonly [string, string]>) {
    for (const [name, value] of pairs) this.#values.set(name, [...this.getlist(name), value])
  }

  get (name: string): string | undefined {
    return this.#values.get(name)?.at(-1)
  }

  getlist (name: string): string[] {
    return this.#values.get(name) ?? []
  }

  lists (): Array<[string, string[]]> {
    return [...this.#values]
  }

  checkItems (): void {}

  /** Returns the names, each once. */
  names (): string[] {
    return [...this.#values.keys()]
  }
}

/**
 * Parses a query or urlencoded form as Django does: only `&` separates (row "semicolon"), no `=` means an empty value.
 */
export function parseQuery (text: string): QueryDict {
  return new QueryDict(text.split('&').filter(part => part !== '').map(part => {
    const equals = part.indexOf('=')
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
    return [decode(name), decode(value)] as const
  }))
}

/** Returns the fields of a JSON object, a plain dict in MAAS: a list of values raises an error there too. */
export function jsonFields (object: { [name: string]: Json }): Fields {
  const values = new Map(Object.entries(object))
  return {
    get: name => values.has(name) ? String(values.get(name)) : undefined,
    getlist: missingAttribute('dict', 'getlist'),
    lists: missingAttribute('dict', 'lists'),
    checkItems: () => {}
  }
}

/** Returns `request.data` of a Python type that has no fields. */
export function withoutFields (type: string): Fields {
  return {
    get: missingAttribute(type, 'get'),
    getlist: missingAttribute(type, 'getlist'),
    lists: missingAttribute(type, 'lists'),
    checkItems: missingAttribute(type, 'items'),
    ...type === 'NoneType' ? { isNone: true } : {}
  }
}

function missingAttribute (type: string, attribute: string): () => never {
  return () => { throw new Error(`'${type}' object has no attribute '${attribute}'`) }
}

function decode (text: string): string {
  return unquote(text.replaceAll('+', ' '))
}
