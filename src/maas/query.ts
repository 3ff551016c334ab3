import { unescape } from 'node:querystring'

/** One parameter of a query or form, decoded. */
export type Parameter = readonly [name: string, value: string]

/**
 * Parses a query as MAAS does (Django's `QueryDict`, `parse_qsl` with `keep_blank_values`): `&` is the only separator,
 * `+` is a space, a name without `=` has an empty value, a malformed escape stays as it is, and every text is valid.
 * `URLSearchParams` differs: it drops a leading `?`, which MAAS reads as part of the first name.
 * @param query the text after the first `?` of the target, undecoded
 */
export function parseQuery (query: string): readonly Parameter[] {
  if (query === '') return []
  return query.split('&').filter(pair => pair !== '').map(pair => {
    const [name, value] = splitPair(pair)
    return [decode(name), decode(value)]
  })
}

/**
 * Returns the value of the last parameter with a name, null if there is none. It reads from the end and decodes no
 * other values, because a form can be large.
 * @param query see {@link parseQuery}
 */
export function lastValue (query: string, name: string): string | null {
  for (let end = query.length; end > 0;) {
    const start = query.lastIndexOf('&', end - 1) + 1
    const [found, value] = splitPair(query.slice(start, end))
    if (decode(found) === name) return decode(value)
    end = start - 1
  }
  return null
}

function splitPair (pair: string): Parameter {
  const equals = pair.indexOf('=')
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
}

function decode (text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? unescape(spaced) : spaced
}
