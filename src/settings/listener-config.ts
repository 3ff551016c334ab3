import type { Access, AnonymousOperations } from '../maas/access.ts'
import type { Policy } from '../policy/policy.ts'
import type { ChosenProfile } from './key/chosen-profile.ts'
import type { ClientTokenFile } from './client-tokens.ts'
import { inheritedListeners } from '../listen/systemd-sockets.ts'
import { chooseKey, type KeySource } from './key/key-source.ts'
import type { ListenAddress } from '../listen/address.ts'
import { checkExposure } from './exposure.ts'
import { buildPolicy } from './policy-settings.ts'
import { LISTENER_SETTINGS } from './listener-settings.ts'
import type { Environment } from '../environment.ts'
import type { Scopes } from './setting-input.ts'
import { readValues } from './read-values.ts'
import type { SettingsReport } from './report.ts'

/** Everything that one listener needs to know: where it listens, who may ask there, for what, and with which key. */
export interface ListenerConfig {
  readonly address: ListenAddress
  readonly socketMode: number
  readonly socketGroup: number | undefined
  readonly allowHost: readonly string[]
  readonly allowOrigin: readonly string[]
  readonly clientTokens: ClientTokenFile | undefined
  readonly policy: Policy
  readonly anonymousOperations: AnonymousOperations
  readonly dualOperations: Access
  /** of the key that its requests are signed with */
  readonly keyId: string
}

/** A listener before keys that several share are told apart from others. */
export interface ListenerWithKey extends Omit<ListenerConfig, 'keyId'> {
  readonly key: KeySource
}

/** What a socket unit says instead, by `ListenStream=`, `SocketMode=` and `SocketGroup=`. */
const SAID_BY_SOCKET_UNIT = ['listen', 'socketMode', 'socketGroup'] as const

/** Of letters and digits by chance, what nobody can try out. */
const MIN_TOKEN_LENGTH = 16

/**
 * Makes the configurations of the listeners of one scope, one for each of its addresses.
 * @param report receives the messages
 */
export async function readListeners ({ given, where }: Scopes['listeners'][number], environment: Environment, profile: ChosenProfile | null, report: SettingsReport): Promise<ListenerWithKey[]> {
  const own = report.within(where)
  const values = await readValues(LISTENER_SETTINGS, given, report)
  const key = await chooseKey(given, environment, profile, report)
  const policy = values.allow === undefined || values.deny === undefined ? undefined : buildPolicy(values, own)
  const inherited = inheritedListeners(environment, own)
  if (inherited.length > 0) {
    const sources = [where === '' ? undefined : '--config', ...SAID_BY_SOCKET_UNIT.map(name => given(name)?.source)].filter(source => source !== undefined)
    for (const source of sources) own.problem(`${source} and LISTEN_FDS: the sockets are those that systemd passed, as its socket unit says; leave the setting out, or start without the unit`)
    values.listen = inherited
  }
  if (values.listen !== undefined && values.allowHost !== undefined) checkExposure(values, own)
  if (values.allowCredentialOperations) own.warn('--allow-credential-operations: whoever reaches the proxy can take API keys and passwords from MAAS')
  const guessable = values.clientTokenFile?.clients.filter(({ token }) => token.length < MIN_TOKEN_LENGTH).map(({ name }) => name) ?? []
  if (guessable.length > 0) own.warn(`--client-token-file: the token of ${guessable.join(', ')} is shorter than ${MIN_TOKEN_LENGTH} characters and may be guessed; openssl rand -hex 24 makes a better one`)
  if (values.policyMode === 'warn') own.warn('--policy-mode warn: the rules are not enforced')
  if (report.hasProblems || policy === undefined || key === undefined) return []
  const { socketMode, socketGroup, allowHost, allowOrigin, clientTokenFile: clientTokens, anonymousOperations, dualOperations } = values
  return values.listen.map(address => Object.freeze({ address, socketMode, socketGroup, allowHost, allowOrigin, clientTokens, policy, anonymousOperations, dualOperations, key }))
}
