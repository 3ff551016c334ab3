import { checkMoved } from '../upstream/moved.ts'
import { type ResponseHead, valueOf } from './response-head.ts'

/** What stands before the path of an absolute URL, which may have none (RFC 3986 §3.2). */
const SCHEME_AND_AUTHORITY = /^[^/?#]*\/*[^/?#]*/

/**
 * Makes a redirect right for the client. One to MAAS's own origin leads back to the proxy, where it is signed again; any other
 * passes. None is ever followed here, since the key goes to one place only.
 * @param upstream the origin of MAAS
 * @param client the origin that the client used
 * @throws ProxyError MAAS_PROXY_UPSTREAM_MOVED where a MAAS with TLS was asked on its plain port: it sends everything but machines
 *   to its https port, and a client that follows goes around the proxy, unsigned (nginx's `regiond.nginx.conf.template`)
 */
export function redirect (head: ResponseHead, upstream: string, client: string): ResponseHead {
  const location = valueOf(head.headers, 'location')
  if (location === null || !URL.canParse(location)) return head // a relative one stays with the client's own origin
  if (new URL(location).origin === upstream) {
    const at = head.headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === 'location') + 1
    return { ...head, headers: head.headers.with(at, location.replace(SCHEME_AND_AUTHORITY, client)) }
  }
  checkMoved(location, upstream)
  return head
}
