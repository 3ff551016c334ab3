import { unescape } from 'node:querystring'
import { NO_FORWARD_PROXY, ProxyError } from '../errors.ts'
import { parseQuery } from '../maas/query.ts'
import type { Target } from '../maas/target.ts'

/** A byte that no target may have (RFC 3986 §2): anything but visible ASCII. */
const ILLEGAL_BYTE = /[^\x21-\x7e]/
/** The absolute-form (RFC 9112 §3.2.2), which clients send to a forward proxy. */
const WHOLE_URL = /^[a-z][a-z\d+.-]*:\/\//i
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/
// eslint-disable-next-line no-control-regex -- the pattern has to match control characters
const CONTROL = /[\x00-\x1f\x7f-\x9f]/
/** The segment `.` or `..`, also with path parameters (`..;x`), which some servers remove before they resolve it. */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:;[^/\\]*)?(?:[/\\]|$)/
/** A percent sign that is escaped once or more. */
const NESTED_ESCAPE = /%(?:25)+/g

/**
 * Parses a request target and rejects every form that two servers could read differently. Only the origin-form (RFC
 * 9112 §3.2.1) is accepted, without dot segments in any encoding, backslashes, control characters or a fragment. The
 * target that is sent is `raw`, unchanged.
 * @param raw the target from the request line
 * @throws ProxyError MAAS_PROXY_TARGET_MALFORMED
 */
export function parseTarget (raw: string): Target {
  if (WHOLE_URL.test(raw)) {
    throw new ProxyError('MAAS_PROXY_TARGET_MALFORMED', {
      message: 'the request target is a whole URL, as for a forward proxy, and this is no forward proxy',
      remedy: NO_FORWARD_PROXY
    })
  }
  if (!raw.startsWith('/')) {
    throw malformedTarget('has no leading slash; only the origin-form is served, not an authority or *')
  }
  if (raw.startsWith('//')) throw malformedTarget('starts with two slashes, which could name another host')
  if (ILLEGAL_BYTE.test(raw)) throw malformedTarget('has a byte that is not visible ASCII; percent-encode it')
  if (raw.includes('\\')) throw malformedTarget('has a backslash')
  if (raw.includes('#')) throw malformedTarget('has a fragment; write a number sign as %23')
  const question = raw.indexOf('?')
  const rawPath = question < 0 ? raw : raw.slice(0, question)
  return { rawPath, path: decodePath(rawPath), query: parseQuery(question < 0 ? '' : raw.slice(question + 1)) }
}

/** Decodes a path once, as Django does, and collapses slashes, as Twisted does (`webapp.py CleanPathRequest`). */
function decodePath (rawPath: string): string {
  if (rawPath.includes(';')) throw malformedTarget('has a semicolon in its path; write it as %3B')
  const path = rawPath.includes('%') ? unescapeStrictly(rawPath) : rawPath
  if (DOT_SEGMENT.test(path)) throw malformedTarget('has a dot segment')
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
}

function unescapeStrictly (rawPath: string): string {
  if (BAD_ESCAPE.test(rawPath)) throw malformedTarget('has a percent sign that starts no escape; write it as %25')
  let path: string
  try {
    path = decodeURIComponent(rawPath)
  } catch {
    throw malformedTarget('has escapes that are not UTF-8')
  }
  if (CONTROL.test(path)) throw malformedTarget('has an escaped control character')
  if (path.includes('\\')) throw malformedTarget('has an escaped backslash')
  // A server between the proxy and MAAS may decode the path once more.
  if (path.includes('%') && DOT_SEGMENT.test(unescape(path.replace(NESTED_ESCAPE, '%')))) {
    throw malformedTarget('has a dot segment that is escaped twice')
  }
  return path
}

function malformedTarget (what: string): ProxyError {
  return new ProxyError('MAAS_PROXY_TARGET_MALFORMED', { message: `the request target ${what}` })
}
