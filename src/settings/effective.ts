import { SHIPPED_ANONYMOUS_OPERATIONS } from './anonymous-operations.ts'
import { CLIENT_FIELDS, CLIENTS } from './client-entries.ts'
import type { ClientsInput } from './client-row.ts'
import { keyOf, NAMES_BY_KEY } from './config-file.ts'
import { isListenerSetting } from './listener-settings.ts'
import { SettingsReport } from './report.ts'
import { readScopes } from './scopes.ts'
import { DEFAULT_SOURCE, type Flags, type Lookup, type Scopes, type SettingInput } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import type { Setting } from './setting.ts'
import { type SettingName, SETTINGS } from './table.ts'
import { parseSwitch } from './values.ts'

/** One setting in effect, as a configuration file would have it. */
export interface EffectiveSetting {
  key: string
  value: string | boolean | string[] | ReadonlyArray<Readonly<Record<string, boolean | string | readonly string[]>>>
  /** the source as the user calls it: `--listen`, `MAAS_PROXY_LISTEN (.env)`, `listeners[0].listen`, `default` */
  source: string
  /** whether the value is a placeholder for a secret */
  secret: boolean
}

/** All settings in effect, in the shape of a configuration file. */
export interface EffectiveSettings {
  program: EffectiveSetting[]
  listeners: EffectiveSetting[][]
}

/**
 * Finds the settings in effect: the strongest source of each. Of two settings that exclude each other only the stronger
 * is in effect, because a configuration file could not have both.
 * @param flags flags from which, with `environment`, {@link loadConfig} makes a configuration without problems
 */
export async function effectiveSettings (flags: Flags, environment: Environment): Promise<EffectiveSettings> {
  return settingsInEffect(await readScopes(flags, environment, new SettingsReport()))
}

/** Finds the settings in effect among inputs without problems. */
export function settingsInEffect ({ program, listeners }: Scopes): EffectiveSettings {
  const names = [...NAMES_BY_KEY.values()]
  return {
    program: settingsOf(names.filter(name => !isListenerSetting(name)), program, program),
    listeners: listeners.map(({ lookup, clients }) => [
      ...settingsOf(names.filter(isListenerSetting), lookup, program),
      ...clients === undefined ? [] : [describeClients(clients)]
    ])
  }
}

/** Describes the clients as they are written: a file has no tokens of theirs. */
function describeClients ({ written, source }: ClientsInput): EffectiveSetting {
  const value = written.map(client => Object.fromEntries(Object.entries(client).map(([key, text]) => (
    [key, CLIENT_FIELDS[key]?.value === null ? parseSwitch(String(text)) : text]
  ))))
  return { key: CLIENTS, value, source, secret: false }
}

/** Settings that exclude each other: a profile has an address and a key, and the strongest source of a key wins. */
const RIVALS: Partial<Record<SettingName, readonly SettingName[]>> = {
  maasUrl: ['profile'],
  apiKey: ['apiKeyFile', 'profile'],
  apiKeyFile: ['apiKey', 'profile']
}

function settingsOf (names: readonly SettingName[], lookup: Lookup, program: Lookup): EffectiveSetting[] {
  return names.flatMap(name => {
    const input = lookup(name) ?? defaultOf(SETTINGS[name])
    const ranks = (RIVALS[name] ?? []).map(rival => (rival === 'profile' ? program : lookup)(rival)?.rank ?? Infinity)
    if (input === undefined || ranks.some(rank => rank < input.rank)) return []
    return [describe(name, input)]
  })
}

/** The default of a setting. The shipped table is left out, because its path changes with the installation. */
function defaultOf ({ default: text }: Setting<unknown>): SettingInput | undefined {
  if (!text || text === SHIPPED_ANONYMOUS_OPERATIONS) return undefined
  return { texts: [text], source: DEFAULT_SOURCE, rank: Infinity }
}

function describe (name: SettingName, { texts, source }: SettingInput): EffectiveSetting {
  const setting: Setting<unknown> = SETTINGS[name]
  const secret = setting.flag === null // a secret has no flag, because ps shows flags
  return { key: keyOf(name), value: secret ? '[API key]' : valueOf(setting, texts), source, secret }
}

function valueOf (setting: Setting<unknown>, texts: readonly string[]): EffectiveSetting['value'] {
  const { value: placeholder, repeatable } = setting
  const [text = ''] = texts
  if (placeholder === null) return parseSwitch(text)
  return repeatable ? texts.filter(text => text.trim() !== '') : text
}
