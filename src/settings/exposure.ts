import { formatListenAddress, isLoopback } from '../listen/address.ts'
import type { SettingsReport } from './report.ts'
import type { ClientsInput } from './client-row.ts'
import type { Lookup } from './setting-input.ts'
import type { Values } from './table.ts'

/** The settings that say who can reach the proxy. */
export type ListenerValues = Pick<
  Values, 'listen' | 'allowNonLoopback' | 'allowHost' | 'noClientAuth'
>

/** The settings by which clients say who they are. */
const WAYS = [
  { setting: 'clientTokenFile', flag: '--client-token-file' },
  { setting: 'clientCaFile', flag: '--client-ca-file' },
  { setting: 'clientJwks', flag: '--client-jwks' }
] as const

const WHOLE_POWER = 'has the whole power of the API key'

/**
 * Checks that other machines reach the proxy only if the user allowed it, and that their clients then need tokens.
 * @param lookup tells which settings are given, even if their files cannot be read
 * @param clients the list of clients of a configuration file
 * @param report receives a problem for each address that the user did not allow and for each contradiction, and a
 *   warning for each protection that is off
 */
export function checkExposure (
  values: ListenerValues, lookup: Lookup, clients: ClientsInput | undefined, report: SettingsReport
): void {
  const { listen, allowNonLoopback, allowHost, noClientAuth } = values
  const given = WAYS.filter(({ setting }) => lookup(setting) !== undefined).map(({ flag }) => flag)
  const [way] = [...given, ...clients === undefined ? [] : ['clients']]
  if (way !== undefined && noClientAuth) {
    report.problem(`${way} and --no-client-auth: contradict each other; keep one`)
  }
  const hasTls = lookup('tlsCertFile') !== undefined
  const open = listen.filter(address => !isLoopback(address)).map(address => formatListenAddress(address, hasTls))
  const source = listen.some(address => address.fd !== undefined) ? 'LISTEN_FDS' : '--listen'
  const reachable = `${source}: ${open.join(' and ')} can be reached from other machines`
  if (open.length > 0 && !allowNonLoopback) {
    const remedy = 'listen on loopback, or give --allow-non-loopback and tokens for clients with --client-token-file'
    report.problem(`${reachable}, and whoever reaches it ${WHOLE_POWER}; ${remedy}`)
  } else if (open.length > 0 && way === undefined && !noClientAuth) {
    const remedy = 'name a file with --client-token-file, or give --no-client-auth'
    report.problem(`${reachable}, so clients need tokens: ${remedy}`)
  }
  if (open.length > 0 && !hasTls) {
    const risk = 'without TLS, so requests, answers and tokens cross the network in the clear'
    report.warn(`${reachable} ${risk}; give --tls-cert-file and --tls-key-file`)
  }
  if (open.length > 0 && noClientAuth) {
    report.warn(`--no-client-auth: whoever reaches the proxy over the network ${WHOLE_POWER}`)
  }
  if (allowHost.includes('*')) report.warn('--allow-host *: any web page can reach the proxy by DNS rebinding')
}
