import { CLIENTS } from './client-entries.ts'
import { keyOf } from './config-file.ts'
import type { EffectiveSetting, EffectiveSettings } from './effective.ts'
import { DEFAULT_SOURCE } from './setting-input.ts'
import type { SettingName } from './table.ts'

/** The settings that a running proxy takes over when they change. */
const RELOADED: readonly SettingName[] = [
  'allowNonLoopback', 'tlsCertFile', 'tlsKeyFile',
  'allowHost', 'allowOrigin', 'clientTokenFile', 'clientCaFile', 'noClientAuth',
  'clientJwks', 'clientJwksCaFile', 'clientJwtIssuer', 'clientJwtAudience',
  'readOnly', 'allow', 'deny', 'policy', 'policyMode', 'allowCredentialOperation', 'allowCredentialOperations',
  'dualOperations', 'anonymousOperations',
  'maxMaasRequests', 'queueTimeoutMs', 'clientBodyTimeoutMs', 'shutdownDelayMs', 'drainTimeoutMs'
]

const RELOADED_KEYS: ReadonlySet<string> = new Set([...RELOADED.map(keyOf), CLIENTS])

/** A setting that is taken over too, unless it is new or gone: whether a listener has TLS is part of its address. */
const TLS_KEY = keyOf('tlsCertFile')

/**
 * Finds the settings that have changed and need a restart: addresses, keys in other files, and the way to MAAS.
 * Listeners correspond if they have the same addresses.
 * @returns their names as the user calls them, each once: `maas-url`, `listeners[1].listen`, `MAAS_URL (.env)`
 */
export function changesForRestart (before: EffectiveSettings, after: EffectiveSettings): Set<string> {
  const rest = [...before.listeners]
  const changes = after.listeners.flatMap(settings => {
    const at = rest.findIndex(old => textOf(listenOf(old)) === textOf(listenOf(settings)))
    const [old] = at < 0 ? [] : rest.splice(at, 1)
    return old === undefined ? [listenOf(settings).source] : differences(old, settings)
  })
  return new Set([...differences(before.program, after.program), ...changes, ...rest.map(old => listenOf(old).source)])
}

function differences (before: readonly EffectiveSetting[], after: readonly EffectiveSetting[]): string[] {
  const hadTls = [before, after].map(settings => settings.some(({ key }) => key === TLS_KEY))
  const isReloaded = (key: string) => RELOADED_KEYS.has(key) && !(key === TLS_KEY && hadTls[0] !== hadTls[1])
  const keys = new Set([...before, ...after].map(({ key }) => key).filter(key => !isReloaded(key)))
  return [...keys].flatMap(key => {
    const [old, setting] = [before, after].map(settings => settings.find(setting => setting.key === key))
    if (textOf(old) === textOf(setting)) return []
    // A setting that is no longer set is named by its old source.
    const sources = [setting, old].flatMap(setting => setting?.source ?? [])
    return sources.filter(source => source !== DEFAULT_SOURCE).slice(0, 1)
  })
}

/** The addresses of a listener, which always has some. */
function listenOf (settings: readonly EffectiveSetting[]): EffectiveSetting {
  return settings.find(({ key }) => key === keyOf('listen')) as EffectiveSetting
}

function textOf (setting: EffectiveSetting | undefined): string {
  return JSON.stringify(setting?.value)
}
