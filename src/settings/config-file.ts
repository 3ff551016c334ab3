import { isListenerSetting } from './listener-settings.ts'
import type { SettingsReport } from './report.ts'
import type { SettingInput, Scopes } from './setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from './table.ts'
import { quote, readSettingFile } from './values.ts'

/** The values of a configuration file by their keys: each is one value or a list. */
type Entries = Readonly<Record<string, unknown>>

/** A part of a configuration file: the whole file, or one of its listeners. */
interface Section {
  file: string
  /** the beginning of each source in this section, as `listeners[1].` */
  where: string
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
  const ofFile = report.within(`${source}: ${quote(path)}: `)
  const content = await parseFile(path, ofFile)
  if (content === null) return null
  const { [LISTENERS]: listeners, ...shared } = content
  if (!Array.isArray(listeners) || listeners.length === 0) {
    ofFile.problem(`has no list ${LISTENERS}; give it one with an entry for each listener`)
  }
  const sharedKeys = [...NAMES_BY_KEY.keys(), LISTENERS]
  const sharedInputs = readEntries(shared, { file: path, where: '', rank: 2, keys: sharedKeys }, ofFile)
  const keys = [...NAMES_BY_KEY].filter(([, name]) => isListenerSetting(name)).map(([key]) => key)
  return {
    program: name => sharedInputs.get(name),
    listeners: (Array.isArray(listeners) ? listeners : []).map((entry: unknown, i) => {
      const where = `${LISTENERS}[${i}]`
      if (!isObject(entry)) ofFile.problem(`${where} is not an object of settings`)
      const section = { file: path, where: `${where}.`, rank: 1, keys }
      const inputs = readEntries(isObject(entry) ? entry : {}, section, ofFile)
      return { where: `${where}: `, lookup: name => inputs.get(name) ?? sharedInputs.get(name) }
    })
  }
}

/**
 * Parses a file as YAML, of which JSON is a part. The failsafe schema (YAML 1.2 section 10.1) keeps every value as the
 * text of the file, for the setting to read. With YAML's numbers the mode `0o660` would be 432, and 432 is a mode too:
 * one that lets others in. The parser is loaded here because most users have no such file.
 */
async function parseFile (path: string, report: SettingsReport): Promise<Entries | null> {
  const { parseDocument } = await import('yaml')
  try {
    const document = parseDocument(readSettingFile(path), { schema: 'failsafe' })
    const [error] = document.errors
    if (error !== undefined) {
      // The parser's own message shows a part of the text, which may be a secret.
      report.problem(`is neither YAML nor JSON, from line ${error.linePos?.[0].line} on (${error.code})`)
      return null
    }
    const content: unknown = document.toJS()
    if (isObject(content)) return content
    report.problem('is not an object of settings')
  } catch (error) {
    report.problem((error as Error).message.replace(`${quote(path)}: `, ''))
  }
  return null
}

function readEntries (entries: Entries, section: Section, report: SettingsReport): Map<SettingName, SettingInput> {
  const { file, where, rank, keys } = section
  const inputs = new Map<SettingName, SettingInput>()
  for (const [key, value] of Object.entries(entries)) {
    const name = keys.includes(key) ? NAMES_BY_KEY.get(key) : undefined
    const texts = textsOf(value)
    if (name === undefined) {
      const reason = NAMES_BY_KEY.has(key)
        ? 'is a setting of the whole program; move it out of the listener'
        : `no such setting${suggestion(key, keys)}`
      report.problem(`${where}${quoteKey(key)}: ${reason}`)
    } else if (texts === null || (texts.length !== 1 && !SETTINGS[name].repeatable)) {
      const kind = SETTINGS[name].repeatable ? 'a text or a list of texts' : 'one text, number or switch'
      report.problem(`${where}${key}: takes ${kind}`)
    } else {
      inputs.set(name, { texts, source: `${where}${key}`, rank, file })
    }
  }
  return inputs
}

/** The texts of a value, as flags would have them; null for a value that no flag can have. */
function textsOf (value: unknown): readonly string[] | null {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return values.every(value => typeof value === 'string') ? values : null
}

function isObject (value: unknown): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quoteKey (key: string): string {
  return /^[\w-]+$/.test(key) ? key : quote(key)
}
