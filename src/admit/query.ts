import type { ErrorCode } from '../errors.ts'
import type { Parameter } from '../maas/query.ts'

/**
 * Refuses `callback`, on which MAAS answers JSONP, a script that a page of any origin may load; and `oauth_` parameters: MAAS lets the query override the header, and answers a signature that does not fit with
 * the one that would have: `?oauth_signature=x` would print the token secret (P: `oauth.py`). MAAS compares the names with
 * case; they are refused in any, since nobody has a use for them.
 * @returns why it is refused; null if it is not
 */
export function checkQuery (query: readonly Parameter[]): ErrorCode | null {
  for (const [name] of query) {
    if (/^oauth_/i.test(name)) return 'MAAS_PROXY_OAUTH_PARAMETER_PRESENT'
    if (name === 'callback') return 'MAAS_PROXY_CALLBACK_PRESENT'
  }
  return null
}
