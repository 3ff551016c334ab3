import { ProxyError } from '../errors.ts'

/** Charsets in which the bytes of ASCII are ASCII, and nothing else is. */
const HARMLESS = /^[^;"]*(?:;[^;"]*|;[^;"]*"[^"\\]*"[^;"]*)*;\s*charset=(?:utf-8|us-ascii|iso-8859-1|"(?:utf-8|us-ascii|iso-8859-1)")\s*(?:;[^;"]*|;[^;"]*"[^"\\]*"[^;"]*)*$/i

/**
 * Refuses a content type with a charset that is not one of the usual. Django decodes by it not only a form but the query too, of
 * any method: in UTF-7 `+AG8AcA-` is `op`, so an operation could be named, or `oauth_` said, in a way that is not seen here.
 * A second `charset`, or one whose value two parsers could read differently, is refused as well.
 * @throws ProxyError MAAS_PROXY_HEADER_MALFORMED
 */
export function checkContentType (contentType: string | undefined): void {
  if (contentType === undefined) return
  const mentions = contentType.match(/charset/gi)?.length ?? 0
  if (mentions === 0 || (mentions === 1 && HARMLESS.test(contentType))) return
  throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', {
    message: 'Content-Type has a charset that is not utf-8, us-ascii or iso-8859-1, or has it in an odd way',
    remedy: 'send the charset as charset=utf-8, or leave it out'
  })
}
