import { ProxyError } from '../errors.ts'

/** What people ask for in place of the API, and what to do instead. */
interface UnservedPath {
  pattern: RegExp
  message: string
  remedy: string
}

const ASK = 'ask for /MAAS/api/2.0/... as it is: the proxy signs the request'

/** Paths outside the API of MAAS that have an explanation of their own; the first pattern that matches counts. */
const UNSERVED_PATHS: readonly UnservedPath[] = [
  {
    pattern: /^(?:\/MAAS)?\/(?:accounts?\/|a\/v3\/auth\/)/,
    message: 'the proxy has no login, and needs none',
    remedy: ASK
  },
  {
    pattern: /^(?:\/MAAS)?\/a\//,
    message: 'API v3 of MAAS takes no API key, so the proxy does not serve it',
    remedy: 'use API 2.0, /MAAS/api/2.0/..., or ask MAAS itself with a token of API v3'
  },
  {
    pattern: /^(?:\/MAAS)?\/metadata\//,
    message: 'the metadata of MAAS is for its machines, which have tokens of their own',
    remedy: 'ask MAAS itself with the token of the machine'
  },
  {
    pattern: /^\/MAAS(?:\/(?:(?:r|l|assets|docs)(?:\/.*)?|ws)?)?$/,
    message: 'the proxy serves the API of MAAS only, not its web UI',
    remedy: 'open the address of MAAS itself in the browser; tools use http://HOST:PORT/MAAS/api/2.0/...'
  },
  {
    pattern: /^\/api\//,
    message: 'the path of the API begins with /MAAS',
    remedy: 'use http://HOST:PORT/MAAS/api/2.0/...'
  },
  {
    pattern: /^\/maas(?:\/|$)/i,
    message: 'only paths below /MAAS/api/ are served, with MAAS in capitals and the rest in small letters',
    remedy: 'use http://HOST:PORT/MAAS/api/2.0/...'
  }
]

/** Explains why a path is not served. @param path decoded, slashes collapsed */
export function unserved (path: string): ProxyError {
  return new ProxyError('MAAS_PROXY_PATH_UNSERVED', UNSERVED_PATHS.find(({ pattern }) => pattern.test(path)))
}
