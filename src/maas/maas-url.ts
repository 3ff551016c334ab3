/** The address of MAAS. */
export interface MaasUrl {
  /** scheme, host and port, which requests are sent to: `http://maas.example:5240` */
  origin: string
  /** `origin` and `/MAAS`, for people */
  href: string
}

/** The path that MAAS serves everything below (`maas/urls`), with or without that of its API. */
const MAAS_PATH = /^\/MAAS(?:\/(?:api\/2\.0\/?)?)?$/

/** A path of the web UI, which somebody copied from a browser: `/MAAS/r/machines`, in older versions `/MAAS/l/`. */
const UI_PATH = /^\/MAAS\/[rl](?:\/|$)/

/** An address without its scheme: `maas.example:5240/MAAS`. */
const WITHOUT_SCHEME = /^(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(?::(\d{1,5}))?(?:\/.*)?$/i

/** The form of an API key. In a URL it would be a scheme and a path. */
const THREE_PARTS = /^[^\s:/]+:[^\s:/]+:[^\s:/]+$/

/** A run of letters and digits that may be a secret in the wrong place: it is not repeated. */
const LIKE_A_SECRET = /[A-Za-z0-9]{18}/

const FORM = 'write it as http://HOST:5240/MAAS or https://HOST:5443/MAAS'

/**
 * Parses the address of a MAAS region, `http(s)://host[:port]/MAAS`. It may end in `/api/2.0/`, as in the documentation
 * and the `maas` CLI, or be an address of the web UI, as browsers show it.
 * @throws Error with the address that was meant, as far as that can be seen. It repeats scheme, host and port only: the
 *   rest may hold a password
 */
export function parseMaasUrl (text: string): MaasUrl {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error(explainScheme(text.trim(), url))
  const { origin, pathname, hash } = url
  const href = `${origin}/MAAS`
  if (url.username !== '' || url.password !== '') {
    const remedy = `put the API key into MAAS_API_KEY, and write ${href}`
    throw new Error(`has a user name or password in it, which MAAS does not take; ${remedy}`)
  }
  const isPage = UI_PATH.test(pathname) || (pathname === '/MAAS/' && hash.startsWith('#/'))
  if (isPage) return { origin, href }
  const advice = `did you mean ${href}?`
  if (!MAAS_PATH.test(pathname)) throw new Error(`${explainPath(pathname)}; ${advice}`)
  if (url.search !== '' || hash !== '') throw new Error(`has a query or a fragment; ${advice}`)
  return { origin, href }
}

/** Says what is wrong with a text that is no http or https URL. @param url the text as a URL; null if it is none */
function explainScheme (text: string, url: URL | null): string {
  if (THREE_PARTS.test(text) && !text.startsWith('[')) {
    return `has the form of an API key, which belongs in MAAS_API_KEY; ${FORM}`
  }
  const [, host, port] = WITHOUT_SCHEME.exec(text) ?? []
  if (host !== undefined && !/^https?$/i.test(host) && !LIKE_A_SECRET.test(text)) {
    const scheme = port === '443' || port === '5443' ? 'https' : 'http'
    return `has no scheme; did you mean ${scheme}://${host}:${port ?? '5240'}/MAAS?`
  }
  if (url === null || url.host === '' || LIKE_A_SECRET.test(url.host)) return `is not a URL; ${FORM}`
  const scheme = url.protocol === 'wss:' ? 'https' : 'http'
  return `has the scheme ${url.protocol.slice(0, -1)}, and MAAS has http and https; ` +
    `did you mean ${scheme}://${url.host}/MAAS?`
}

function explainPath (path: string): string {
  if (path === '/') return 'has no path'
  if (/^\/maas(?:\/|$)/i.test(path) && !path.startsWith('/MAAS')) return 'has its path not in upper case'
  return 'has another path than /MAAS'
}

/** Returns the port of a URL, by default that of its scheme. */
export function portOf ({ protocol, port }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

/** Whether MAAS is on this machine: its host is `localhost` or a loopback address. */
export function isThisMachine ({ origin }: MaasUrl): boolean {
  return /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(origin)
}
