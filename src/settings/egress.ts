import { EgressProxy } from '../http/egress-proxy.ts'
import { BlockList, isIP } from 'node:net'
import { isThisMachine, type MaasUrl, portOf } from '../maas/maas-url.ts'
import type { Environment } from '../environment.ts'
import type { SettingsReport } from './report.ts'

/**
 * Finds the egress proxy for MAAS in the environment, by the rules of curl: a variable in lower case wins, `http_proxy`
 * exists in lower case only, the variable of the scheme is stronger than `all_proxy`. A MAAS on this machine is always
 * reached directly.
 * @param environment the process's variables; an empty one counts as not set
 * @param report receives a problem if the URL of the proxy is unusable; the message does not repeat it, because it may
 *   have a password
 * @returns null if MAAS is reached directly
 */
export function findEgress (environment: Environment, maasUrl: MaasUrl, report: SettingsReport): EgressProxy | null {
  const url = new URL(maasUrl.origin)
  const ofScheme = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy']
  const name = [...ofScheme, 'all_proxy', 'ALL_PROXY'].find(name => environment[name])
  if (name === undefined || isThisMachine(maasUrl)) return null
  const exceptions = environment['no_proxy'] || environment['NO_PROXY'] || ''
  if (isException(exceptions, url.hostname, portOf(url))) return null
  try {
    return parseProxy(environment[name] as string)
  } catch (error) {
    report.problem(`${name}: ${(error as Error).message}, or exempt MAAS from it with NO_PROXY=${url.hostname}`)
    return null
  }
}

const PROXY_FORM =
  'write it as http://[USER:PASSWORD@]HOST:PORT, with special characters in the password percent-encoded'

/** Parses `[http[s]://][user:password@]host[:port]`. @throws Error that never repeats the text */
function parseProxy (text: string): EgressProxy {
  const withScheme = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(withScheme)) throw new Error(`is not the URL of a proxy; ${PROXY_FORM}`)
  const { protocol, host, username, password } = new URL(withScheme)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new Error(`is the URL of a proxy with neither http nor https; ${PROXY_FORM}`)
  }
  const userInfo = username + password === '' ? null : percentDecode(`${username}:${password}`)
  return new EgressProxy(`${protocol}//${host}`, userInfo)
}

/** Like `decodeURIComponent`, but keeps a percent sign that begins no escape, and never throws. */
function percentDecode (text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, bytes => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString())
}

/**
 * Whether `NO_PROXY` exempts a host.
 * @param exceptions the value of the variable: `*` exempts every host. Otherwise a list, separated by commas or white
 *   space, of names, which include their subdomains, addresses and networks (`10.0.0.0/8`), each with or without a
 *   port.
 * @param hostname a host as in a URL: in lower case, IPv6 in brackets
 */
export function isException (exceptions: string, hostname: string, port: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  return exceptions.toLowerCase().split(/[\s,]+/).some(part => {
    const [, bracketed, plain, partPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(part) ?? [null, undefined, part]
    if (partPort !== undefined && partPort !== port) return false
    const name = (bracketed ?? plain as string).replace(/\.$/, '')
    if (isIP(host) !== 0) return name === '*' || isInNetwork(host, name)
    const domain = name.replace(/^\*?\./, '')
    return name === '*' || host === domain || host.endsWith(`.${domain}`)
  })
}

/** Whether an address is in a network `ADDRESS/BITS`, or is the `ADDRESS`, in any spelling. */
function isInNetwork (address: string, text: string): boolean {
  const [network = '', bits] = text.split('/')
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  const size = family === 'ipv4' ? 32 : 128
  const hasValidSize = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= size)
  if (isIP(network) !== isIP(address) || !hasValidSize) return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits ?? size), family)
  return list.check(address, family)
}
