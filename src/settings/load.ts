import { knownOperations } from '../policy/catalogue.ts'
import type { MaasUrl } from '../maas/maas-url.ts'
import type { Policy } from '../policy/policy.ts'
import { chooseProfile, type ChosenProfile } from './key/chosen-profile.ts'
import { findEgress } from './egress.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import type { KeySource } from './key/key-source.ts'
import { formatListenAddress, type ListenAddress } from '../listen/address.ts'
import { type ListenerConfig, type ListenerWithKey, readListeners } from './listener-config.ts'
import { buildPolicy } from './policy-settings.ts'
import { readValues } from './read-values.ts'
import { isListenerSetting, LISTENER_SETTINGS, type ListenerSettingName } from './listener-settings.ts'
import { readScopes } from './scopes.ts'
import type { Flags, Lookup, Scopes } from './setting-input.ts'
import { SettingsReport } from './report.ts'
import type { Environment } from '../environment.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import { checkTls } from './tls.ts'

/** Everything the proxy needs to know, checked. */
export interface Config extends Readonly<Omit<Values, ListenerSettingName | 'maasUrl' | 'profile' | 'config' | 'envFile'>> {
  readonly maasUrl: MaasUrl
  readonly listeners: readonly ListenerConfig[]
  /** the keys that the listeners use, each once */
  readonly keys: readonly KeySource[]
  /** the proxy that MAAS is reached through, as the environment wants it; null where it is reached directly */
  readonly egress: EgressProxy | null
  /** lines to log at the start, each a thing that works but should not stay */
  readonly warnings: readonly string[]
  /** lines to log at the start, each a thing that was decided for the user */
  readonly notices: readonly string[]
}

/** What may be asked at some addresses. */
export interface ListenerPolicy {
  addresses: readonly string[]
  policy: Policy
}

const PROGRAM_SETTINGS = (Object.keys(SETTINGS) as SettingName[]).filter((name): name is Exclude<SettingName, ListenerSettingName> => !isListenerSetting(name))

/**
 * Makes the configuration from what was given. Precedence: flag > environment > `.env` file > default; or a configuration file.
 * @param flags from the command line
 * @param environment the process's variables
 * @param defaults what a command takes in place of the defaults of the table
 * @throws SettingsError with every problem there is, not only the first
 */
export async function loadConfig (flags: Flags, environment: Environment, defaults: Flags = {}): Promise<Config> {
  const report = new SettingsReport()
  return await configure(await readScopes(flags, environment, report, defaults), environment, report)
}

/**
 * Makes the configuration from what was given for the program and its listeners, wherever that was found.
 * @param environment what is taken from it beside settings: profiles, lent credentials, the egress proxy
 * @param report receives the messages; it may have some already
 * @throws SettingsError with every problem of the report
 */
export async function configure ({ program, listeners: scopes }: Scopes, environment: Environment, report: SettingsReport): Promise<Config> {
  const values = await readValues(PROGRAM_SETTINGS, program, report)
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') report.problem('NODE_TLS_REJECT_UNAUTHORIZED: is 0, which asks not to verify the certificate of MAAS; unset it, the key would go to whoever answers')

  // A key of one listener alone is a word about a key too: a profile that nobody asked for must not say where it goes.
  const anywhere: Lookup = name => program(name) ?? scopes.map(({ given }) => given(name)).find(found => found !== undefined)
  const profile = await chooseProfile(anywhere, environment, report)
  const { maasUrl, caFile } = ofMaas(values, profile)
  if (maasUrl === undefined && program('maasUrl') === undefined) report.problem('MAAS_URL: not set; say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS')
  knownOperations() // read now: the files of the package may be replaced while the process runs
  const egress = maasUrl === undefined ? null : findEgress(environment, maasUrl, report)
  checkTls({ ...values, maasUrl }, egress, report)
  const listeners: ListenerWithKey[] = []
  for (const scope of scopes) listeners.push(...await readListeners(scope, environment, profile, report))
  checkIdleExit(values, listeners, report)
  checkAddresses([...listeners.map(({ address }) => address), ...values.adminListen === undefined ? [] : [values.adminListen]], report)

  const { profile: _profile, config: _config, envFile: _envFile, ...rest } = values
  if (report.hasProblems || maasUrl === undefined) throw report.toError()
  const keys = new Map(listeners.map(({ key }) => [key.id, key]))
  return Object.freeze({ ...rest, maasUrl, caFile, egress, listeners: listeners.map(({ key, ...listener }) => ({ ...listener, keyId: key.id })), keys: [...keys.values()], warnings: report.warnings, notices: report.notices })
}

/**
 * Finds out the addresses alone, for whoever wants to ask a proxy that runs.
 * @throws SettingsError with what is wrong with these settings
 */
export async function loadAddresses (flags: Flags, environment: Environment): Promise<{ admin: ListenAddress | undefined, listeners: ListenAddress[] }> {
  const report = new SettingsReport()
  const { program, listeners } = await readScopes(flags, environment, report)
  const { adminListen } = await readValues(['adminListen'], program, report)
  const scopes = await Promise.all(listeners.map(async ({ given }) => await readValues(['listen'], given, report)))
  if (report.hasProblems) throw report.toError()
  return { admin: adminListen, listeners: scopes.flatMap(({ listen }) => listen) }
}

/** An idle exit loses no client only if somebody else holds the sockets, and only if it is over at once. */
function checkIdleExit ({ idleExitMs, shutdownDelayMs }: Pick<Values, 'idleExitMs' | 'shutdownDelayMs'>, listeners: ReadonlyArray<Pick<ListenerConfig, 'address'>>, report: SettingsReport): void {
  if (idleExitMs === undefined) return
  if (shutdownDelayMs !== undefined) report.problem('--idle-exit and --shutdown-delay: who is not connected needs no time to turn away; leave one out')
  if (listeners.some(({ address }) => address.fd === undefined)) report.problem('--idle-exit: nothing would start the proxy again when a client comes; it is for a proxy that systemd starts by a socket unit (LISTEN_FDS)')
}

/** One address takes one listener; port 0 is another one each time. */
function checkAddresses (addresses: readonly ListenAddress[], report: SettingsReport): void {
  const own = addresses.filter(address => 'path' in address || address.port !== 0).map(formatListenAddress)
  for (const address of new Set(own.filter((address, i) => own.indexOf(address) !== i))) report.problem(`--listen: ${address} is given twice; every listener needs an address of its own`)
}

/** Where MAAS is and whom to trust for it: a profile brings both together. */
function ofMaas ({ maasUrl, caFile }: Pick<Values, 'maasUrl' | 'caFile'>, profile: ChosenProfile | null) {
  if (profile === null) return { maasUrl, caFile }
  return { maasUrl: profile.maasUrl, caFile: [...caFile ?? [], ...profile.certificates] }
}

/**
 * Makes the policies alone, one for each listener, which need neither MAAS nor a key.
 * @throws SettingsError with every problem of the settings, of the others too
 */
export async function loadPolicies (flags: Flags, environment: Environment): Promise<ListenerPolicy[]> {
  const report = new SettingsReport()
  const { program, listeners } = await readScopes(flags, environment, report)
  await readValues(PROGRAM_SETTINGS, program, report)
  const policies: ListenerPolicy[] = []
  for (const { given } of listeners) {
    const values = await readValues(LISTENER_SETTINGS, given, report)
    if (values.allow !== undefined && values.deny !== undefined) policies.push({ addresses: values.listen?.map(formatListenAddress) ?? [], policy: buildPolicy(values, report) })
  }
  if (report.hasProblems) throw report.toError()
  return policies
}
