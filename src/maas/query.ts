import { unescape } from 'node:querystring'

/** One `name=value` of a query or form, decoded. */
export type Parameter = readonly [name: string, value: string]

/**
 * Reads a query as MAAS does (Django's `QueryDict` over `parse_qsl` with `keep_blank_values`): `&` separates and `;` does
 * not, `+` is a space, a name without `=` has an empty value, a bad escape stays as it is, nothing is ever an error.
 * Not `URLSearchParams`, which drops a leading `?` that MAAS takes for a part of the first name.
 * @param query what follows the first `?` of the target, undecoded
 */
export function parseQuery (query: string): readonly Parameter[] {
  if (query === '') return []
  return query.split('&').filter(pair => pair !== '').map(pair => {
    const equals = pair.indexOf('=')
    return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
  })
}

function decode (text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? unescape(spaced) : spaced
}
