import { unquote } from './python.ts'

/** A request target in its three readings. */
export interface Target {
  /** Decoded, with dot segments and slashes resolved: what nginx chooses the location by. null: nginx answers 400. */
  location: string | null
  /** Slashes folded, still percent-encoded: what Twisted hands to Django. */
  rawPath: string
  /** Decoded; dot segments left alone: what Django matches its routes against. */
  path: string
  /** The query string without `?`, as sent. */
  search: string
}

/** Reads the target of a request line, in origin or absolute form. */
export function parseTarget (url: string): Target {
  const origin = url.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = origin.indexOf('?')
  const [sent, search] = mark < 0 ? [origin, ''] : [origin.slice(0, mark), origin.slice(mark + 1)]
  // webapp.py, CleanPathRequest: repeated slashes are folded before anything is decoded (row "double slash").
  const rawPath = sent.replace(/\/+/g, '/')
  return { location: nginxLocation(sent), rawPath, path: unquote(rawPath), search }
}

/** nginx's ngx_http_parse_complex_uri: malformed escapes, NUL and a path above the root are 400. */
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
