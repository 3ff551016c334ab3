import { unquote, unquotePath } from './python.ts'

/** A request target as nginx, Twisted and Django read it. */
export interface Target {
  /** nginx chooses the location by it: decoded, dot segments resolved, slashes collapsed; null if nginx answers 400. */
  location: string | null
  /** Twisted passes it to Django: slashes collapsed, still percent-encoded. */
  rawPath: string
  /** Django matches it with its routes: decoded, slashes collapsed, dot segments kept. */
  path: string
  /** The query string without `?`, as sent. */
  search: string
}

/** Parses the target of a request line, in origin or absolute form (RFC 9112 §3.2). */
export function parseTarget (url: string): Target {
  const origin = url.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = origin.indexOf('?')
  const [sent, search] = mark < 0 ? [origin, ''] : [origin.slice(0, mark), origin.slice(mark + 1)]
  // webapp.py, CleanPathRequest, collapses slashes before it decodes (row "double slash").
  const rawPath = sent.replace(/\/+/g, '/')
  return { location: nginxLocation(sent), rawPath, path: unquotePath(rawPath), search }
}

/** Returns nginx's location (ngx_http_parse_complex_uri); null for a malformed escape, NUL or a path above the root. */
function nginxLocation (sent: string): string | null {
  if (!sent.startsWith('/') || /%(?![0-9a-f]{2})|%00/i.test(sent)) return null
  const segments: string[] = []
  for (const segment of unquote(sent).replace(/\/+/g, '/').split('/').slice(1)) {
    if (segment === '..') {
      if (segments.pop() === undefined) return null
    } else if (segment !== '.') {
      segments.push(segment)
    }
  }
  return `/${segments.join('/')}`
}
