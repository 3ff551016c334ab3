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

function splitPair (pair: string): Parameter {
  const equals = pair.indexOf('=')
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
}

/** Decodes a name or a value of a query or form. */
export function decode (text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? unescape(spaced) : spaced
}
