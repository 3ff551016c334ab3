import type { ClientsInput } from './client-row.ts'
import { messageAt, type Place } from './place.ts'
import type { SettingName } from './table.ts'

/** The texts of one setting, as the user wrote them, and their source. */
export interface SettingInput {
  /** one text, unless the setting is repeatable */
  texts: readonly string[]
  /** the source as the user calls it: `--listen`, `MAAS_PROXY_LISTEN`, `MAAS_PROXY_LISTEN (.env)`, `readOnly` */
  source: string
  /**
   * The strength of the source; the lowest rank wins. 0: flag or option of the library. 1: environment, or a listener's
   * own setting in a configuration file. 2: `.env` file, or the rest of a configuration file.
   */
  rank: number
  /** the file of settings that has the text; undefined if it is not from a file */
  file?: string | undefined
  /** whether the user has not named that file: it was found in the working directory */
  isFound?: boolean
  /** the places of the texts in a configuration file, one each */
  places?: readonly Place[]
}

/** The source of a default. */
export const DEFAULT_SOURCE = 'default'

/** Finds the input of a setting; undefined if there is none. */
export type Lookup = (name: SettingName) => SettingInput | undefined

/** The settings on the command line: texts by the name of the setting. */
export type Flags = Partial<Record<SettingName, readonly string[]>>

/** The inputs for one listener. */
export interface ListenerScope {
  /** the beginning of messages about the listener, as `listeners[1]: `; empty if there is only one */
  where: string
  lookup: Lookup
  /** the clients of a configuration file; undefined if it has no list of them, or there is no file */
  clients: ClientsInput | undefined
}

/** The inputs for the program, and for each of its listeners. */
export interface Scopes {
  program: Lookup
  listeners: readonly ListenerScope[]
}

/**
 * The message about an input.
 * @param problem what is wrong with it
 * @param i the index of the text that is wrong
 */
export function messageAbout (
  { source, places }: Pick<SettingInput, 'source' | 'places'>, problem: string, i = 0
): string {
  return messageAt(places?.[i], `${source}: ${problem}`)
}
