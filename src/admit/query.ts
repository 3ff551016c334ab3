import { ProxyError } from '../errors.ts'
import type { Parameter } from '../maas/query.ts'

/**
 * Refuses `oauth_` parameters. MAAS lets the query override the header, and answers a signature that does not fit with
 * the one that would have: `?oauth_signature=x` would print the token secret (P: `oauth.py`). MAAS compares the names with
 * case; they are refused in any, since nobody has a use for them.
 * @throws ProxyError MAAS_PROXY_OAUTH_PARAMETER_PRESENT
 */
export function checkQuery (query: readonly Parameter[]): void {
  const found = query.find(([name]) => /^oauth_/i.test(name))
  if (found !== undefined) throw new ProxyError('MAAS_PROXY_OAUTH_PARAMETER_PRESENT')
}
