import { unquote } from './python.ts'
import type { Json } from './python.ts'

/** What a handler reads its parameters from (`request.data`, `request.GET`). */
export interface Fields {
  /** The last value of that name. */
  get (name: string): string | undefined
  /** All values of that name. */
  getlist (name: string): string[]
  /** Every name with all its values, in the order first met. */
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

  /** The names, without repetition. */
  names (): string[] {
    return [...this.#values.keys()]
  }
}

/** A query string or urlencoded form as Django reads it: `&` alone separates (row "semicolon"), a bare name has an empty value. */
export function parseQuery (text: string): QueryDict {
  return new QueryDict(text.split('&').filter(part => part !== '').map(part => {
    const equals = part.indexOf('=')
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
    return [decode(name), decode(value)] as const
  }))
}

/** The parsed JSON body, a plain dict: handlers that ask it for a list of values fail as they do in MAAS. */
export function jsonFields (object: { [name: string]: Json }): Fields {
  const values = new Map(Object.entries(object))
  return {
    get: name => values.has(name) ? String(values.get(name)) : undefined,
    getlist: missing('dict', 'getlist'),
    lists: missing('dict', 'lists')
  }
}

/** `request.data` of a Python type that has no fields to read. */
export function withoutFields (type: string): Fields {
  return { get: missing(type, 'get'), getlist: missing(type, 'getlist'), lists: missing(type, 'lists') }
}

function missing (type: string, attribute: string): () => never {
  return () => { throw new Error(`'${type}' object has no attribute '${attribute}'`) }
}

function decode (text: string): string {
  return unquote(text.replaceAll('+', ' '))
}
