/** Where MAAS is: the origin that requests are sent to, and the address as it is shown to people. */
export interface MaasUrl {
  /** scheme, host and port, no slash at the end: `http://maas.example:5240` */
  origin: string
  /** `origin` and `/MAAS` */
  href: string
}

/** The one path that MAAS answers under (`maas/urls` mounts everything at `/MAAS`), with or without its API's own path. */
const MAAS_PATH = /^\/MAAS(?:\/(?:api\/2\.0\/?)?)?$/

/**
 * Reads the address of a MAAS region: `http(s)://host[:port]/MAAS`; an ending `/api/2.0/`, which the `maas` CLI and the
 * documentation use, is understood.
 * @throws Error that says what is wrong and never repeats the text, since a mistaken one may hold a password
 */
export function parseMaasUrl (text: string): MaasUrl {
  const example = 'write it as http://HOST:5240/MAAS or https://HOST:5443/MAAS'
  if (!URL.canParse(text)) throw new Error(`not a URL; ${example}`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`has another scheme than http or https, or none; ${example}`)
  if (url.username !== '' || url.password !== '') throw new Error('has a user name or password in it; MAAS takes neither, the API key goes into MAAS_API_KEY')
  if (url.search !== '' || url.hash !== '') throw new Error(`has a query or a fragment; ${example}`)
  if (!MAAS_PATH.test(url.pathname)) throw new Error(`has another path than /MAAS, in upper case; ${example}`)
  return { origin: url.origin, href: `${url.origin}/MAAS` }
}

/** The port of a URL, which is that of its scheme where it names none. */
export function portOf ({ protocol, port }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

/** Whether a MAAS is on this machine, by the names and addresses of loopback. */
export function isThisMachine ({ origin }: MaasUrl): boolean {
  return /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(origin)
}
