import { checkMoved } from '../upstream/moved.ts'
import { type ResponseHead, valueOf } from './response-head.ts'

/** The part of an absolute URL before its path, which may be empty (RFC 3986 §3.2). */
const SCHEME_AND_AUTHORITY = /^[^/?#]*\/*[^/?#]*/

/**
 * Changes a redirect to MAAS's own origin so that it leads back to the proxy, which signs the next request. Other
 * redirects stay as they are. The proxy itself follows none, because the key must not go to another host.
 * @param upstream the origin of MAAS
 * @param client the origin that the client used
 * @throws ProxyError MAAS_PROXY_UPSTREAM_MOVED if the redirect leads to MAAS's https address
 */
export function redirect (head: ResponseHead, upstream: string, client: string): ResponseHead {
  const location = valueOf(head.headers, 'location')
  if (location === null || !URL.canParse(location)) return head // a relative location stays on the client's origin
  if (new URL(location).origin === upstream) {
    const at = head.headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === 'location') + 1
    return { ...head, headers: head.headers.with(at, location.replace(SCHEME_AND_AUTHORITY, () => client)) }
  }
  checkMoved(location, upstream)
  return head
}
