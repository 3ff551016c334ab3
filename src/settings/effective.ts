import { SHIPPED_ANONYMOUS_OPERATIONS } from './anonymous-operations.ts'
import { keyOf, NAMES_BY_KEY } from './config-file.ts'
import { isListenerSetting } from './listener-settings.ts'
import { SettingsReport } from './report.ts'
import { readScopes } from './scopes.ts'
import { DEFAULT_SOURCE, type Flags, type SettingInput, type Lookup } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import { type Setting, type SettingName, SETTINGS } from './table.ts'
import { parseSwitch } from './values.ts'

/** A setting in effect, as a configuration file would have it. */
export interface Entry {
  key: string
  value: string | boolean | string[]
  /** as the user would name it: `--listen`, `MAAS_PROXY_LISTEN (.env)`, `listeners[0].listen`, `default` */
  source: string
  /** whether the value is a placeholder for a secret */
  secret: boolean
}

/** All settings in effect, in the shape of a configuration file. */
export interface Effective {
  program: Entry[]
  listeners: Entry[][]
}

/**
 * Finds out what is in effect of all that was given: the strongest source of each setting, and of what contradicts each other only the
 * stronger, as one file could not have both.
 * @param flags and environment, of which {@link loadConfig} makes a configuration without problems
 */
export async function effectiveSettings (flags: Flags, environment: Environment): Promise<Effective> {
  const { program, listeners } = await readScopes(flags, environment, new SettingsReport())
  const names = [...NAMES_BY_KEY.values()]
  return {
    program: entriesOf(names.filter(name => !isListenerSetting(name)), program, program),
    listeners: listeners.map(({ given }) => entriesOf(names.filter(isListenerSetting), given, program))
  }
}

/** A profile brings an address and a key, and of two sources of a key only the stronger is used. */
const RIVALS: Partial<Record<SettingName, readonly SettingName[]>> = { maasUrl: ['profile'], apiKey: ['apiKeyFile', 'profile'], apiKeyFile: ['apiKey', 'profile'] }

function entriesOf (names: readonly SettingName[], given: Lookup, program: Lookup): Entry[] {
  return names.flatMap(name => {
    const found = given(name) ?? defaultOf(SETTINGS[name])
    const rivals = (RIVALS[name] ?? []).map(rival => (rival === 'profile' ? program : given)(rival)?.rank ?? Infinity)
    if (found === undefined || rivals.some(rank => rank < found.rank)) return []
    return [entry(name, found)]
  })
}

/** The shipped table is left out: its path is that of this version. */
function defaultOf ({ default: text }: Setting<unknown>): SettingInput | undefined {
  return !text || text === SHIPPED_ANONYMOUS_OPERATIONS ? undefined : { texts: [text], source: DEFAULT_SOURCE, rank: Infinity }
}

function entry (name: SettingName, { texts, source }: SettingInput): Entry {
  const { flag, value: placeholder, repeatable }: Setting<unknown> = SETTINGS[name]
  const [text = ''] = texts
  const secret = flag === null // which is why it has none
  const value = secret ? '[API key]' : placeholder === null ? parseSwitch(text) : repeatable ? texts.filter(text => text.trim() !== '') : text
  return { key: keyOf(name), value, source, secret }
}
