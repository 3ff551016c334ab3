import type { Access, AnonymousOperations } from '../maas/access.ts'
import type { Policy } from '../policy/policy.ts'
import type { ChosenProfile } from './key/chosen-profile.ts'
import { inheritedListeners } from '../listen/systemd-sockets.ts'
import { chooseKey, type KeySource } from './key/key-source.ts'
import type { ListenAddress } from '../listen/address.ts'
import { checkExposure } from './exposure.ts'
import type { ListenerTls } from '../listen/secure-server.ts'
import { readListenerTls } from './listener-tls.ts'
import { buildPolicy } from './policy-settings.ts'
import { buildClients, clientSources, type ConfiguredClient } from './listener-clients.ts'
import { LISTENER_SETTINGS } from './listener-settings.ts'
import type { Environment } from '../environment.ts'
import type { SettingsReport } from './report.ts'
import type { ListenerScope, Lookup } from './setting-input.ts'
import { readWorkloads, type WorkloadSettings } from './workloads.ts'
import { readValues } from './read-values.ts'

/** The configuration of one listener: its address, its clients, its policy and its key. */
export interface ListenerConfig {
  readonly address: ListenAddress
  readonly socketMode: number
  readonly socketGroup: number | undefined
  /** null for a listener without TLS */
  readonly tls: ListenerTls | null
  readonly allowHost: readonly string[]
  readonly allowOrigin: readonly string[]
  /** which tokens of workloads are good; null if none is */
  readonly workloads: WorkloadSettings | null
  /** undefined if clients need no name */
  readonly clients: readonly ConfiguredClient[] | undefined
  readonly policy: Policy
  readonly anonymousOperations: AnonymousOperations
  readonly dualOperations: Access
  /** the {@link KeySource.id} of the key that signs the requests of this listener */
  readonly keyId: string
}

/** A listener with its key; the configuration has each key once, and listeners refer to it by its id. */
export interface ListenerWithKey extends Omit<ListenerConfig, 'keyId'> {
  readonly key: KeySource
}

/** Settings that a socket unit replaces by `ListenStream=`, `SocketMode=` and `SocketGroup=`. */
const SOCKET_UNIT_SETTINGS = ['listen', 'socketMode', 'socketGroup'] as const

/**
 * Makes the configurations of one scope: one for each of its addresses.
 * @param profile the profile in use; null if there is none
 * @param report receives the problems and warnings
 * @returns an empty list if the report has problems
 */
export async function readListeners (
  { lookup, where, clients: written }: ListenerScope, environment: Environment, profile: ChosenProfile | null,
  report: SettingsReport
): Promise<ListenerWithKey[]> {
  const own = report.within(where)
  const values = readValues(LISTENER_SETTINGS, lookup, report)
  const key = await chooseKey(lookup, environment, profile, report)
  const policy = buildPolicy(values, own)
  const inherited = inheritedListeners(environment, own)
  if (inherited.length > 0) {
    checkSocketUnit(lookup, where !== '', own)
    values.listen = inherited
  }
  const tls = readListenerTls(lookup, values, { report, own })
  if (tls !== null && values.listen?.every(address => 'path' in address)) {
    own.problem('--tls-cert-file: has no effect on a unix socket; leave it out, or listen on a port')
  }
  if (values.listen !== undefined && values.allowHost !== undefined) checkExposure(values, lookup, written, own)
  const workloads = readWorkloads(values, lookup, { report, own })
  const clients = policy && buildClients(clientSources(values, written), policy, { report, own })
  if (values.policyMode === 'warn') own.warn('--policy-mode warn: the rules are not enforced')
  if (report.hasProblems || policy === undefined || key === undefined) return []
  const { socketMode, socketGroup, allowHost, allowOrigin, anonymousOperations, dualOperations } = values
  const callers = { allowHost, allowOrigin, workloads, clients }
  const operations = { policy, anonymousOperations, dualOperations }
  return values.listen.map(address => (
    Object.freeze({
      address,
      socketMode,
      socketGroup,
      tls: 'path' in address ? null : tls,
      ...callers,
      ...operations,
      key
    })
  ))
}

/** Checks that no setting contradicts the socket unit that passed the sockets. */
function checkSocketUnit (lookup: Lookup, isFromConfigFile: boolean, report: SettingsReport): void {
  const sources = [isFromConfigFile ? '--config' : undefined, ...SOCKET_UNIT_SETTINGS.map(name => lookup(name)?.source)]
  for (const source of sources.filter(source => source !== undefined)) {
    const reason = 'systemd passed the sockets, as the socket unit says'
    report.problem(`${source} and LISTEN_FDS: ${reason}; leave the setting out, or start without the unit`)
  }
}
