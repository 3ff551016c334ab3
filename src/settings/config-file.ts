import { isListenerSetting } from './listener-settings.ts'
import type { SettingInput, Scopes } from './setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from './table.ts'
import { quote, readSettingFile } from './values.ts'
import type { SettingsReport } from './report.ts'

/** What a configuration file has for a setting: one value, or a list of them. */
type Entries = Readonly<Record<string, unknown>>

/** The key of the list of listeners. */
export const LISTENERS = 'listeners'

/** Settings that make no sense in the file that they lead to. */
const OUTSIDE: readonly SettingName[] = ['config', 'envFile']

/** How a setting is called in a configuration file: as its flag without the dashes. */
export function keyOf (name: SettingName): string {
  return SETTINGS[name].flag?.slice(2) ?? 'api-key'
}

/** The settings that a configuration file may have, by their keys in it. */
export const NAMES_BY_KEY: ReadonlyMap<string, SettingName> = new Map((Object.keys(SETTINGS) as SettingName[]).filter(name => !OUTSIDE.includes(name)).map(name => [keyOf(name), name]))

/**
 * Reads a configuration file, YAML or JSON: the settings by the names of their flags, and under `listeners` a list of those that differ.
 * A setting of a listener that stands outside the list holds for all that do not have it themselves.
 * @param report receives the messages
 * @returns null for a file that cannot be made out at all
 */
export async function readConfigFile (path: string, source: string, report: SettingsReport): Promise<Scopes | null> {
  const ofFile = report.within(`${source}: ${quote(path)}: `)
  const content = await parseFile(path, ofFile)
  if (content === null) return null
  const { [LISTENERS]: listeners, ...shared } = content
  if (!Array.isArray(listeners) || listeners.length === 0) ofFile.problem(`has no list ${LISTENERS}; give it one with an entry for each listener`)
  const forAll = readEntries(shared, { file: path, where: '', rank: 2 }, [...NAMES_BY_KEY.keys(), LISTENERS], ofFile)
  const keys = [...NAMES_BY_KEY].filter(([, name]) => isListenerSetting(name)).map(([key]) => key)
  return {
    program: name => forAll.get(name),
    listeners: (Array.isArray(listeners) ? listeners : []).map((entry: unknown, i) => {
      const where = `${LISTENERS}[${i}]`
      if (!isObject(entry)) ofFile.problem(`${where} is not an object of settings`)
      const own = readEntries(isObject(entry) ? entry : {}, { file: path, where: `${where}.`, rank: 1 }, keys, ofFile)
      return { where: `${where}: `, given: name => own.get(name) ?? forAll.get(name) }
    })
  }
}

/**
 * yaml reads JSON too, of which YAML is a superset; it is loaded by those only who have such a file. Every value stays the text that was
 * written (the failsafe schema of YAML 1.2 §10.1), for its setting to read: as a number of YAML's, a mode of `0o660` would be 432, and
 * that again is a mode, which lets others in.
 */
async function parseFile (path: string, report: SettingsReport): Promise<Entries | null> {
  const { parseDocument } = await import('yaml')
  try {
    const document = parseDocument(readSettingFile(path), { schema: 'failsafe' })
    const [error] = document.errors
    // The parser's own message shows a part of the text, which may be a secret.
    if (error !== undefined) report.problem(`is neither YAML nor JSON, from line ${error.linePos?.[0].line} on (${error.code})`)
    const content: unknown = error === undefined ? document.toJS() : undefined
    if (error === undefined && !isObject(content)) report.problem('is not an object of settings')
    return isObject(content) ? content : null
  } catch (error) {
    report.problem((error as Error).message.replace(`${quote(path)}: `, ''))
    return null
  }
}

function readEntries (entries: Entries, { file, where, rank }: { file: string, where: string, rank: number }, keys: readonly string[], report: SettingsReport): Map<SettingName, SettingInput> {
  const found = new Map<SettingName, SettingInput>()
  for (const [key, value] of Object.entries(entries)) {
    const name = keys.includes(key) ? NAMES_BY_KEY.get(key) : undefined
    const texts = textsOf(value)
    if (name === undefined) report.problem(`${where}${quoteKey(key)}: ${NAMES_BY_KEY.has(key) ? 'is a setting of the whole program; move it out of the listener' : `no such setting${suggestion(key, keys)}`}`)
    else if (texts === null || (texts.length !== 1 && !SETTINGS[name].repeatable)) report.problem(`${where}${key}: takes ${SETTINGS[name].repeatable ? 'a text or a list of texts' : 'one text, number or switch'}`)
    else found.set(name, { texts, source: `${where}${key}`, rank, file })
  }
  return found
}

/** The texts of a value, as they would be given by flags; null for what no flag can have. */
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
