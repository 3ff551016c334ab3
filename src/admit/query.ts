import type { ErrorCode } from '../errors.ts'
import type { Parameter } from '../maas/query.ts'

/**
 * Checks the parameters of a query.
 *
 * `callback` is rejected because MAAS answers it with JSONP, a script that a page of any origin may load.
 *
 * `oauth_` parameters are rejected because MAAS lets them override the header, and answers a wrong signature with the
 * one that it expected: `?oauth_signature=x` would print the token secret (P: `oauth.py`). MAAS compares these names
 * with case. They are rejected in any case, because no operation has a parameter of such a name.
 * @returns why the query is rejected; null if it is not
 */
export function checkQuery (query: readonly Parameter[]): ErrorCode | null {
  for (const [name] of query) {
    if (/^oauth_/i.test(name)) return 'MAAS_PROXY_OAUTH_PARAMETER_PRESENT'
    if (name === 'callback') return 'MAAS_PROXY_CALLBACK_PRESENT'
  }
  return null
}
