import type { SettingName } from './table.ts'

/** What was given for a setting, and where. */
export interface SettingInput {
  /** one, unless the setting is repeatable */
  texts: readonly string[]
  /** how the user would name it: `--listen`, `MAAS_PROXY_LISTEN`, `MAAS_PROXY_LISTEN (.env)`, `readOnly` */
  source: string
  /** 0 flag or option of the library, 1 environment, 2 `.env` file; of a configuration file 1 is a listener's own, 2 for all: the lower wins */
  rank: number
  /** the file of settings that it stands in; undefined where it stands in none */
  file?: string | undefined
}

/** The source of what nobody gave. */
export const DEFAULT_SOURCE = 'default'

/** What was given for a setting; undefined where nothing was. */
export type Lookup = (name: SettingName) => SettingInput | undefined

/** What the command line says of the settings: texts by the setting's name. */
export type Flags = Partial<Record<SettingName, readonly string[]>>

/** What was given for the program as a whole, and for each of its listeners. */
export interface Scopes {
  program: Lookup
  listeners: ReadonlyArray<{
    /** as a beginning of messages: `listeners[1]: `; empty where there is no need to tell them apart */
    where: string
    given: Lookup
  }>
}
