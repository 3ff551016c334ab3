import { ProxyError } from '../errors.ts'

/** A parameter that is not `charset`: with a token, or with a quoted value without escapes. */
const PARAMETER = /;[^;"]*|;[^;"]*"[^"\\]*"[^;"]*/.source
/** Charsets that encode ASCII characters, and nothing else, as the bytes of ASCII. */
const CHARSET = /(?:utf-8|us-ascii|iso-8859-1|"(?:utf-8|us-ascii|iso-8859-1)")/.source
const HARMLESS = new RegExp(`^[^;"]*(?:${PARAMETER})*;\\s*charset=${CHARSET}\\s*(?:${PARAMETER})*$`, 'i')

/**
 * Rejects a content type with an unusual, repeated or ambiguous charset. Django decodes with it not only a form, but
 * also the query of any method. In UTF-7, for one, `+AG8AcA-` is `op`, so a client could hide an operation or an
 * `oauth_` parameter.
 * @throws ProxyError MAAS_PROXY_HEADER_MALFORMED
 */
export function checkContentType (contentType: string | undefined): void {
  if (contentType === undefined) return
  const mentions = contentType.match(/charset/gi)?.length ?? 0
  if (mentions === 0 || (mentions === 1 && HARMLESS.test(contentType))) return
  throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', {
    message: 'the charset of Content-Type is ambiguous, or is not utf-8, us-ascii or iso-8859-1',
    remedy: 'send the charset as charset=utf-8, or leave it out'
  })
}
