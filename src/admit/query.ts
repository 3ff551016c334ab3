import { ProxyError } from '../errors.ts'
import type { Parameter } from '../maas/query.ts'

/**
 * Refuses `callback`, on which MAAS answers JSONP, a script that a page of any origin may load; and `oauth_` parameters: MAAS lets the query override the header, and answers a signature that does not fit with
 * the one that would have: `?oauth_signature=x` would print the token secret (P: `oauth.py`). MAAS compares the names with
 * case; they are refused in any, since nobody has a use for them.
 * @throws ProxyError MAAS_PROXY_OAUTH_PARAMETER_PRESENT, MAAS_PROXY_CALLBACK_PRESENT
 */
export function checkQuery (query: readonly Parameter[]): void {
  for (const [name] of query) {
    if (/^oauth_/i.test(name)) throw new ProxyError('MAAS_PROXY_OAUTH_PARAMETER_PRESENT')
    if (name === 'callback') throw new ProxyError('MAAS_PROXY_CALLBACK_PRESENT')
  }
}
