/** The address of MAAS. */
export interface MaasUrl {
  /** scheme, host and port, which requests are sent to: `http://maas.example:5240` */
  origin: string
  /** `origin` and `/MAAS`, for people */
  href: string
}

/** The path that MAAS serves everything below (`maas/urls`), with or without that of its API. */
const MAAS_PATH = /^\/MAAS(?:\/(?:api\/2\.0\/?)?)?$/

/**
 * Parses the address of a MAAS region, `http(s)://host[:port]/MAAS`. It may end in `/api/2.0/`, as in the documentation
 * and the `maas` CLI.
 * @throws Error whose message names the problem and never repeats the text, which may hold a password
 */
export function parseMaasUrl (text: string): MaasUrl {
  const example = 'write it as http://HOST:5240/MAAS or https://HOST:5443/MAAS'
  if (!URL.canParse(text)) throw new Error(`not a URL; ${example}`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`has another scheme than http or https, or none; ${example}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('has a user name or password in it; MAAS accepts neither: put the API key into MAAS_API_KEY')
  }
  if (url.search !== '' || url.hash !== '') throw new Error(`has a query or a fragment; ${example}`)
  if (!MAAS_PATH.test(url.pathname)) throw new Error(`has another path than /MAAS, in upper case; ${example}`)
  return { origin: url.origin, href: `${url.origin}/MAAS` }
}

/** Returns the port of a URL, by default that of its scheme. */
export function portOf ({ protocol, port }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

/** Whether MAAS is on this machine: its host is `localhost` or a loopback address. */
export function isThisMachine ({ origin }: MaasUrl): boolean {
  return /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(origin)
}
