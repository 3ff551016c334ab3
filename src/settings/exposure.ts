import { formatListenAddress, isLoopback } from '../listen/address.ts'
import type { Values } from './table.ts'
import type { SettingsReport } from './report.ts'

/** The settings of who may reach the proxy. */
export type ListenerValues = Pick<Values, 'listen' | 'allowNonLoopback' | 'allowHost' | 'clientTokenFile' | 'noClientAuth'>

/**
 * Checks that the proxy listens no wider than it was asked to, and that it knows its clients where it does.
 * @param report receives the messages
 */
export function checkExposure (values: ListenerValues, report: SettingsReport): void {
  const { listen, allowNonLoopback, allowHost, clientTokenFile, noClientAuth } = values
  const inherited = listen.some(address => address.fd !== undefined)
  const source = inherited ? 'LISTEN_FDS' : '--listen'
  const open = listen.filter(address => !isLoopback(address)).map(formatListenAddress)
  if (clientTokenFile !== undefined && noClientAuth) report.problem('--client-token-file and --no-client-auth: contradict each other; keep one')
  if (open.length > 0 && !allowNonLoopback) {
    report.problem(`${source}: ${open.join(' and ')} can be reached from other machines, and whoever reaches it has the whole power of the API key; listen on loopback, or say --allow-non-loopback and give clients tokens with --client-token-file`)
  } else if (open.length > 0 && clientTokenFile === undefined && !noClientAuth) {
    report.problem(`${source}: ${open.join(' and ')} can be reached from other machines, so clients need tokens: name a file with --client-token-file, or say --no-client-auth`)
  }
  if (open.length > 0 && noClientAuth) report.warn('--no-client-auth: whoever reaches the proxy over the network has the whole power of the API key')
  if (allowHost.includes('*')) report.warn('--allow-host *: any web page can reach the proxy by DNS rebinding')
}
