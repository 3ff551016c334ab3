import { EgressProxy } from '../http/egress-proxy.ts'
import { BlockList, isIP } from 'node:net'
import { isThisMachine, type MaasUrl, portOf } from '../maas/maas-url.ts'
import type { Environment } from '../environment.ts'
import type { SettingsReport } from './report.ts'

/**
 * Finds the proxy that the environment wants MAAS to be reached through, by the rules of curl: a variable in lower case
 * wins, `http_proxy` counts in lower case only, the variable of the scheme goes before `all_proxy`. A MAAS on this machine is
 * never reached through one.
 * @param environment the process's variables; one that is empty counts as not set
 * @param report receives the messages
 * @returns null where MAAS is reached directly
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
    report.problem(`${name}: ${(error as Error).message}, or take MAAS out of it with NO_PROXY=${url.hostname}`)
    return null
  }
}

/** Reads `[http[s]://][user:password@]host[:port]`. @throws Error that never repeats the text */
function parseProxy (text: string): EgressProxy {
  const withScheme = text.includes('://') ? text : `http://${text}`
  const form = 'write it as http://[USER:PASSWORD@]HOST:PORT, with special characters in the password percent-encoded'
  if (!URL.canParse(withScheme)) throw new Error(`is not the URL of a proxy; ${form}`)
  const { protocol, host, username, password } = new URL(withScheme)
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`names a proxy that is spoken to by neither http nor https; ${form}`)
  return new EgressProxy(`${protocol}//${host}`, username + password === '' ? null : decoded(`${username}:${password}`))
}

/** A percent sign that encodes nothing stands for itself. */
function decoded (text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, bytes => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString())
}

/**
 * Whether `NO_PROXY` names a host: `*` names all; else its parts, between commas or white space, are names, which mean what is
 * below them too, addresses and networks (`10.0.0.0/8`), each with or without a port.
 * @param hostname as in a URL: in lower case, IPv6 in brackets
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

/** Whether an address is another, in whatever spelling, or in a network as `ADDRESS/BITS`. */
function isInNetwork (address: string, text: string): boolean {
  const [network = '', bits] = text.split('/')
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  const size = family === 'ipv4' ? 32 : 128
  if (isIP(network) !== isIP(address) || !(bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= size))) return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits ?? size), family)
  return list.check(address, family)
}
