import type { ApiKey } from '../../../maas/api-key.ts'
import { bracket, reachableHost, withoutBrackets } from '../../../listen/address.ts'
import type { Environment } from '../../../environment.ts'

/** What tools get that insist on a key: it has the form of one, and opens nothing. */
const NO_KEY = 'proxy:proxy:proxy'

/** Variables by which this program, or a client of MAAS, comes to the key. */
const LEADS_TO_KEY = /^(?:MAAS_API_KEY|MAAS_API_KEY_FILE|CREDENTIALS_DIRECTORY|MAAS_PROXY_.*)$/

const EGRESS_PROXY = /^(?:http|all)_proxy$/i

/**
 * Makes the environment of a command that is to use the proxy and not the key: no variable that leads to a key, by its name, or that
 * has the secret of one in it, whatever its name.
 * @param addresses of the proxy, as `http://HOST:PORT` or `unix:PATH`; the command gets the first that is a URL
 * @param keys that the proxy signs with
 */
export function childEnvironment (environment: Environment, addresses: readonly string[], keys: readonly ApiKey[]): Record<string, string> {
  // A key that is not of the usual form can be so short that its secret stands in any text.
  const secrets = keys.filter(key => key.hasUsualForm).map(key => key.tokenSecret)
  const kept = Object.entries(environment).filter((entry): entry is [string, string] => {
    const [name, value] = entry
    return value !== undefined && !LEADS_TO_KEY.test(name) && !secrets.some(secret => value.includes(secret))
  })
  const url = urlFor(addresses)
  const href = `${url.origin}/MAAS`
  return { ...Object.fromEntries(kept), ...pastEgressProxy(environment, url.hostname), MAAS_URL: href, MAAS_API_URL: href, MAAS_API_KEY: NO_KEY }
}

/** Where there is an egress proxy, the way to this one must not lead through it. Programs differ in which case they read. */
function pastEgressProxy (environment: Environment, host: string): Record<string, string> {
  if (!Object.entries(environment).some(([name, value]) => EGRESS_PROXY.test(name) && value)) return {}
  const exceptions = [environment['no_proxy'] || environment['NO_PROXY'], host].filter(Boolean).join(',')
  return { no_proxy: exceptions, NO_PROXY: exceptions }
}

/** What is asked over a unix socket has a URL too, whose host only has to be a name that the proxy goes by. */
function urlFor (addresses: readonly string[]): URL {
  const url = new URL(addresses.find(address => !address.startsWith('unix:')) ?? 'http://localhost')
  url.hostname = bracket(reachableHost(withoutBrackets(url.hostname)))
  return url
}
