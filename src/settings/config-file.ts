import { isListenerSetting } from './listener-settings.ts'
import type { SettingsReport } from './report.ts'
import { type ConfigDocument, type EntryPath, parseConfig } from './config-document.ts'
import { messageAt } from './place.ts'
import type { Scopes, SettingInput } from './setting-input.ts'
import { nearWord, suggestion } from '../text/suggestion.ts'
import { CLIENTS, readClientEntries } from './client-entries.ts'
import type { ClientsInput } from './client-row.ts'
import { type Entries, isObject, quoteKey, textsOf } from './config-entries.ts'
import { type SettingName, SETTINGS } from './table.ts'
import { quote, readSettingFile } from './values.ts'

/** A part of a configuration file: the whole file, or one of its listeners. */
interface Section {
  document: ConfigDocument
  file: string
  /** the path of the section in the file; empty for the whole file */
  at: EntryPath
  /** as {@link SettingInput.rank} */
  rank: number
  /** the keys that the section may have */
  keys: readonly string[]
}

/** The key of the list of listeners. */
export const LISTENERS = 'listeners'

/** Settings that have no place in a configuration file, because they say which files are read. */
const NOT_IN_FILE: readonly SettingName[] = ['config', 'envFile']

/** The key of a setting in a configuration file: its flag without the dashes. */
export function keyOf (name: SettingName): string {
  return SETTINGS[name].flag?.slice(2) ?? 'api-key'
}

/** The settings that a configuration file may have, by their keys. */
export const NAMES_BY_KEY: ReadonlyMap<string, SettingName> = new Map(
  (Object.keys(SETTINGS) as SettingName[]).filter(name => !NOT_IN_FILE.includes(name)).map(name => [keyOf(name), name])
)

/**
 * Reads a configuration file in YAML or JSON. Its keys are the names of the flags; `listeners` is a list with the
 * settings of each listener. A listener's setting outside the list holds for every listener that does not set it.
 * @param source the setting that names the file, as the user calls it
 * @param report receives the problems of the file
 * @returns null if the file is not an object of settings
 */
export async function readConfigFile (path: string, source: string, report: SettingsReport): Promise<Scopes | null> {
  const document = await readDocument(path, source, report)
  if (document === null) return null
  const { [LISTENERS]: listeners, [CLIENTS]: sharedClients, ...shared } = document.content
  const clientsOf = (value: unknown, at: EntryPath, where: string): ClientsInput | undefined => (
    value === undefined ? undefined : readClientEntries(value, document, [...at, CLIENTS], where + CLIENTS, report)
  )
  const problemAt = (at: EntryPath, text: string) => { report.problem(messageAt(document.placeOf(at), text)) }
  if (!Array.isArray(listeners) || listeners.length === 0) {
    const isThere = listeners !== undefined
    const problem =
      `${isThere ? `${LISTENERS}: is not a list with an entry` : `has no list ${LISTENERS}`}; ${LISTENERS_FORM}`
    if (isThere) problemAt([LISTENERS], problem)
    else report.problem(`${source}: ${quote(path)}: ${problem}`)
  }
  const sharedKeys = [...NAMES_BY_KEY.keys(), LISTENERS, CLIENTS]
  const clients = clientsOf(sharedClients, [], '')
  const sharedInputs = readEntries(shared, { document, file: path, at: [], rank: 2, keys: sharedKeys }, report)
  const keys = [...NAMES_BY_KEY].filter(([, name]) => isListenerSetting(name)).map(([key]) => key)
  keys.push(CLIENTS)
  return {
    program: name => sharedInputs.get(name),
    listeners: (Array.isArray(listeners) ? listeners : []).map((entry: unknown, i) => {
      const where = `${LISTENERS}[${i}]`
      if (!isObject(entry)) problemAt([LISTENERS, i], `${where} is not an object of settings; write KEY: VALUE`)
      const section = { document, file: path, at: [LISTENERS, i], rank: 1, keys }
      const { [CLIENTS]: own, ...settings } = isObject(entry) ? entry : {}
      const inputs = readEntries(settings, section, report)
      return {
        where: `${document.placeOf([LISTENERS, i]).name}: ${where}: `,
        lookup: name => inputs.get(name) ?? sharedInputs.get(name),
        clients: clientsOf(own, section.at, `${where}.`) ?? clients
      }
    })
  }
}

const LISTENERS_FORM = 'write an entry for each listener, as in listeners: [{ listen: 127.0.0.1:5241 }]'

/** A configuration file that is an object. */
interface SettingsDocument extends ConfigDocument {
  content: Entries
}

async function readDocument (path: string, source: string, report: SettingsReport): Promise<SettingsDocument | null> {
  try {
    const parsed = await parseConfig(readSettingFile(path), path)
    if ('problem' in parsed) {
      report.problem(messageAt(parsed.place, parsed.problem))
      return null
    }
    const { content, placeOf } = parsed.document
    if (isObject(content)) return { content, placeOf }
    report.problem(`${source}: ${quote(path)}: is not an object of settings; write KEY: VALUE`)
  } catch (error) {
    report.problem(`${source}: ${(error as Error).message}`)
  }
  return null
}

function readEntries (entries: Entries, section: Section, report: SettingsReport): Map<SettingName, SettingInput> {
  const { document, file, at, rank, keys } = section
  const inputs = new Map<SettingName, SettingInput>()
  const where = at.length === 0 ? '' : `${LISTENERS}[${at[1]}].`
  for (const [key, value] of Object.entries(entries)) {
    const problem = (text: string) => {
      report.problem(messageAt(document.placeOf([...at, key]), `${where}${quoteKey(key)}: ${text}`))
    }
    const name = keys.includes(key) ? NAMES_BY_KEY.get(key) : undefined
    const texts = textsOf(value)
    if (name === undefined) {
      const candidate = nearWord(key, keys)
      const meant = candidate === null ? undefined : NAMES_BY_KEY.get(candidate)
      if (meant !== undefined) report.excuse(meant)
      problem(NAMES_BY_KEY.has(key)
        ? 'is a setting of the whole program; move it out of the listener'
        : `no such setting${suggestion(key, keys)}`)
    } else if (texts === null || (texts.length !== 1 && !SETTINGS[name].repeatable)) {
      report.excuse(name)
      problem(`takes ${SETTINGS[name].repeatable ? 'a text or a list of texts' : 'one text, number or switch'}`)
    } else {
      const places = texts.map((_text, i) => document.placeOf(Array.isArray(value) ? [...at, key, i] : [...at, key]))
      inputs.set(name, { texts, source: `${where}${key}`, rank, file, places })
    }
  }
  return inputs
}
