import type { ApiKey } from '../../../maas/api-key.ts'
import { bracket, reachableHost, withoutBrackets } from '../../../listen/address.ts'
import type { Environment } from '../../../environment.ts'
import { placeholderKey, PLACEHOLDER_WORD } from '../../../maas/placeholder-key.ts'

/** The variables from which this program reads the key. Those of clients get a placeholder. */
const LEADS_TO_KEY = /^(?:MAAS_API_KEY|MAAS_API_KEY_FILE|CREDENTIALS_DIRECTORY|MAAS_PROXY_.*)$/

/** The variables from which clients of MAAS read its address. */
const ADDRESSES = [
  'MAAS_URL',
  'MAAS_API_URL', // Terraform's provider
  'MAAS_HOST', // the collection maas.maas of Ansible
  'MAAS_ENDPOINT', // the provider of Cluster API
  'MAAS_BASE_URL'
] as const

/** The variables from which they read a key, or a part of one. @param secret the last part of the key */
const keyVariables = (secret: string) => ({
  MAAS_API_KEY: placeholderKey(secret),
  MAAS_APIKEY: placeholderKey(secret),
  MAAS_CUSTOMER_KEY: PLACEHOLDER_WORD, // these three: the collection maas.maas
  MAAS_TOKEN_KEY: PLACEHOLDER_WORD,
  MAAS_TOKEN_SECRET: secret
})

const EGRESS_PROXY = /^(?:http|all)_proxy$/i

/**
 * Makes the environment of a command that uses the proxy. It leaves out variables that lead to a key, and variables of
 * any name with the secret of a key.
 * @param addresses the addresses of the proxy, `http://HOST:PORT` or `unix:PATH`; the command gets the first of http
 * @param keys the keys of the proxy
 * @param token the token by which the proxy knows the command; null if it asks for none
 */
export function childEnvironment (
  environment: Environment, addresses: readonly string[], keys: readonly ApiKey[], token: string | null = null
): Record<string, string> {
  // The secret of a key of an unusual form may be so short that it is a part of any text.
  const secrets = keys.filter(key => key.hasUsualForm).map(key => key.tokenSecret)
  const entries = Object.entries(environment).filter((entry): entry is [string, string] => {
    const [name, value] = entry
    return value !== undefined && !LEADS_TO_KEY.test(name) && !secrets.some(secret => value.includes(secret))
  })
  const url = urlFor(addresses)
  const href = `${url.origin}/MAAS`
  const addressVariables = Object.fromEntries(ADDRESSES.map(name => [name, href]))
  const maas = { ...addressVariables, ...keyVariables(token ?? PLACEHOLDER_WORD) }
  return { ...Object.fromEntries(entries), ...egressException(environment, url.hostname), ...maas }
}

/**
 * The variables that exempt this proxy from an egress proxy; none if there is no egress proxy. Some programs read the
 * variable in lower case, others in upper case.
 */
function egressException (environment: Environment, host: string): Record<string, string> {
  if (!Object.entries(environment).some(([name, value]) => EGRESS_PROXY.test(name) && value)) return {}
  const exceptions = [environment['no_proxy'] || environment['NO_PROXY'], host].filter(Boolean).join(',')
  return { no_proxy: exceptions, NO_PROXY: exceptions }
}

/** The URL of the proxy for clients. For a unix socket the host is only a name that the proxy accepts in `Host`. */
function urlFor (addresses: readonly string[]): URL {
  const url = new URL(addresses.find(address => address.startsWith('http:')) ?? 'http://localhost')
  url.hostname = bracket(reachableHost(withoutBrackets(url.hostname)))
  return url
}
