import { knownOperations } from '../policy/catalogue.ts'
import type { MaasUrl } from '../maas/maas-url.ts'
import { checkAddresses, checkIdleExit, checkSharing } from './conflicts.ts'
import { chooseProfile, type ChosenProfile } from './key/chosen-profile.ts'
import { configFiles } from './config-files.ts'
import { type EffectiveSettings, settingsInEffect } from './effective.ts'
import { findEgress } from './egress.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import type { KeySource } from './key/key-source.ts'
import { formatListenAddress } from '../listen/address.ts'
import { buildClients, clientSources } from './listener-clients.ts'
import { type ListenerConfig, type ListenerWithKey, readListeners } from './listener-config.ts'
import { buildPolicy } from './policy-settings.ts'
import { readValues } from './read-values.ts'
import { isListenerSetting, LISTENER_SETTINGS, type ListenerSettingName } from './listener-settings.ts'
import { SettingsReport } from './report.ts'
import { readScopes } from './scopes.ts'
import { isExplained, notSet } from './not-set.ts'
import type { Flags, Lookup, Scopes } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import { checkTls } from './tls.ts'
import { type TlsSource, tlsSource, withProfile } from './tls-source.ts'

/** Settings that have done their work when the configuration is made. */
type InputSettingName = 'maasUrl' | 'profile' | 'config' | 'envFile'

/** The configuration of the proxy, checked. */
export interface Config extends Readonly<Omit<Values, ListenerSettingName | InputSettingName>> {
  readonly maasUrl: MaasUrl
  readonly listeners: readonly ListenerConfig[]
  /** the keys of the listeners, each once */
  readonly keys: readonly KeySource[]
  /** where the certificates and the key for TLS to MAAS are read again */
  readonly tlsSource: TlsSource
  /** the egress proxy in front of MAAS, from the environment; null if MAAS is reached directly */
  readonly egress: EgressProxy | null
  /** messages for the log at the start, each about a risk */
  readonly warnings: readonly string[]
  /** messages for the log at the start, each about a choice that the program made for the user */
  readonly notices: readonly string[]
  readonly source: ConfigSource
}

/** Where a configuration comes from, so that it can be made again. */
export interface ConfigSource {
  /** the files that the configuration is read from, except those of keys and of TLS to MAAS, which others watch */
  readonly files: readonly string[]
  /** the settings in effect */
  readonly settings: EffectiveSettings
  /** Reads all of it again. @throws SettingsError with every problem */
  readonly read: () => Promise<Config>
}

/** The rules of some addresses, and the clients there; undefined if clients need no name. */
export interface ListenerPolicy extends Pick<ListenerConfig, 'policy' | 'clients'> {
  addresses: readonly string[]
}

const PROGRAM_SETTINGS = (Object.keys(SETTINGS) as SettingName[])
  .filter((name): name is Exclude<SettingName, ListenerSettingName> => !isListenerSetting(name))

/**
 * Makes the configuration. Precedence: flag > environment > `.env` file > default; or a configuration file.
 * @param flags the flags of the command line
 * @param environment the process's variables
 * @param defaults the defaults of a command, which replace those of the table
 * @throws SettingsError with every problem, not only the first
 */
export async function loadConfig (flags: Flags, environment: Environment, defaults: Flags = {}): Promise<Config> {
  const report = new SettingsReport()
  const read = async () => await loadConfig(flags, environment, defaults)
  return await configure(await readScopes(flags, environment, report, defaults), environment, report, read)
}

/**
 * Makes the configuration from inputs for the program and its listeners, whatever their sources.
 * @param environment variables for what is not a setting: profiles, systemd's credentials, the egress proxy
 * @param report receives the messages; it may already have some
 * @param read reads the same inputs again
 * @throws SettingsError with every problem of the report
 */
export async function configure (
  inputs: Scopes, environment: Environment, report: SettingsReport, read: ConfigSource['read']
): Promise<Config> {
  const { program, listeners: scopes } = inputs
  const values = readValues(PROGRAM_SETTINGS, program, report)
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const risk = 'so the certificate of MAAS is not verified, and the API key goes to whoever answers'
    report.problem(`NODE_TLS_REJECT_UNAUTHORIZED: is 0, ${risk}; unset it`)
  }

  // A key of one listener is an input about keys too: a profile that nobody named must not choose the MAAS for it.
  const anywhere: Lookup = name => (
    program(name) ?? scopes.map(({ lookup }) => lookup(name)).find(input => input !== undefined)
  )
  const profile = await chooseProfile(anywhere, environment, report)
  const { maasUrl, caFile } = addressAndTrust(values, profile)
  if (maasUrl === undefined && program('maasUrl') === undefined && !isExplained('maasUrl', report)) {
    report.problem(notSet('maasUrl', program, environment))
  }
  knownOperations() // reads the file now: an update may replace the files of the package while the process runs
  const egress = maasUrl === undefined ? null : findEgress(environment, maasUrl, report)
  checkTls({ ...values, maasUrl }, egress, program, report)
  const listeners: ListenerWithKey[] = []
  for (const scope of scopes) listeners.push(...await readListeners(scope, environment, profile, report))
  checkIdleExit(values, listeners, report)
  checkSharing(values, program, report)
  const adminAddresses = values.adminListen === undefined ? [] : [values.adminListen]
  checkAddresses([...listeners.map(({ address }) => address), ...adminAddresses], report)

  const { profile: _profile, config: _config, envFile: _envFile, ...rest } = values
  if (report.hasProblems || maasUrl === undefined) throw report.toError()
  const keys = new Map(listeners.map(({ key }) => [key.id, key]))
  return Object.freeze({
    ...rest,
    maasUrl,
    caFile,
    tlsSource: tlsSource({ program, profile, environment, maasUrl, egress }),
    egress,
    listeners: listeners.map(({ key, ...listener }) => ({ ...listener, keyId: key.id })),
    keys: [...keys.values()],
    warnings: report.warnings,
    notices: report.notices,
    source: { files: configFiles(inputs), settings: settingsInEffect(inputs), read }
  })
}

/** The address of MAAS and the certificates to trust there. A profile has both. */
function addressAndTrust (values: Pick<Values, 'maasUrl' | 'caFile'>, profile: ChosenProfile | null) {
  if (profile === null) return values
  return { maasUrl: profile.maasUrl, caFile: withProfile(values, profile, profile.maasUrl).caFile }
}

/**
 * Makes the policies alone, one for each listener. They need neither MAAS nor a key.
 * @throws SettingsError with every problem of all settings
 */
export async function loadPolicies (flags: Flags, environment: Environment): Promise<ListenerPolicy[]> {
  const report = new SettingsReport()
  const { program, listeners } = await readScopes(flags, environment, report)
  readValues(PROGRAM_SETTINGS, program, report)
  const policies: ListenerPolicy[] = []
  for (const { lookup, clients: written } of listeners) {
    const values = readValues(LISTENER_SETTINGS, lookup, report)
    const policy = buildPolicy(values, report)
    if (policy === undefined) continue
    const clients = buildClients(clientSources(values, written), policy, { report, own: report })
    const hasTls = lookup('tlsCertFile') !== undefined
    const addresses = values.listen?.map(address => formatListenAddress(address, hasTls)) ?? []
    policies.push({ addresses, policy, clients })
  }
  if (report.hasProblems) throw report.toError()
  return policies
}
