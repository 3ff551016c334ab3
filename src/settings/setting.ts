import { oneOf, parseSwitch } from './values.ts'

/** The groups of settings, in the order of help. */
export const GROUPS = ['MAAS', 'listening', 'clients', 'rules', 'TLS to MAAS', 'times', 'log', 'files'] as const

/** A group of settings. */
export type Group = typeof GROUPS[number]

/** One setting: its group, its names, its parser and its help. */
export interface Setting<T> extends SettingRow<T> {
  group: Group
}

/** A setting without its group. */
export interface SettingRow<T> {
  /** the flag with its dashes; null for a secret, because `ps` shows flags */
  flag: string | null
  env: string
  /** the placeholder of the value in help; null for a switch */
  value: string | null
  /** whether the setting takes several texts; its variable is split at line breaks and semicolons */
  repeatable: boolean
  /** the words to choose from, if there are only a few */
  words?: readonly string[]
  /** the text of the default; undefined if the setting has none, empty for an empty list */
  default: string | undefined
  help: string
  /** Parses the texts: one, unless the setting is repeatable. @throws Error without the name of the setting */
  parse: (texts: readonly string[]) => T
}

/** Puts settings into a group. */
export function inGroup<Rows extends Readonly<Record<string, SettingRow<unknown>>>> (
  group: Group, rows: Rows
): { [Name in keyof Rows]: Rows[Name] & { group: Group } } {
  const entries = Object.entries(rows).map(([name, row]) => [name, { ...row, group }])
  return Object.fromEntries(entries) as { [Name in keyof Rows]: Rows[Name] & { group: Group } }
}

type Parse<T> = (text: string) => T

/** Makes a setting with a default. @param value the placeholder of the value in help */
export function withDefault<T> (
  flag: string, value: string, defaultText: string, help: string, parse: Parse<T>
): SettingRow<T> {
  const parseFirst = ([text = '']: readonly string[]) => parse(text)
  return { flag, env: envOf(flag), value, repeatable: false, default: defaultText, help, parse: parseFirst }
}

/** Makes a setting whose value is one of a few words. */
export function choice<const Word extends string> (
  flag: string, value: string, words: readonly Word[], defaultText: Word, help: string
): SettingRow<Word> {
  return { ...withDefault(flag, value, defaultText, help, oneOf(words)), words }
}

/** Makes a setting without a default. @param env the variable; see {@link envOf} */
export function optional<T> (
  flag: string | null, env: string, value: string, help: string, parse: Parse<T>
): SettingRow<T | undefined> {
  return { flag, env, value, repeatable: false, default: undefined, help, parse: ([text = '']) => parse(text) }
}

/** Makes a switch. Its default is false. */
export function toggle (flag: string, help: string): SettingRow<boolean> {
  const parse = ([text = '']: readonly string[]) => parseSwitch(text)
  return { flag, env: envOf(flag), value: null, repeatable: false, default: 'false', help, parse }
}

/** Makes a setting with any number of texts. Without a default it is an empty list. */
export function list<T> (
  flag: string, value: string, defaultText: string | undefined, help: string, parse: Parse<T>
): SettingRow<T[]> {
  const parseAll = (texts: readonly string[]) => nonEmpty(texts).map(parse)
  return { flag, env: envOf(flag), value, repeatable: true, default: defaultText ?? '', help, parse: parseAll }
}

/** The texts that are not blank. @throws Error if all are blank, because blank rules must not mean "no rules" */
function nonEmpty (texts: readonly string[]): readonly string[] {
  const filled = texts.filter(text => text.trim() !== '')
  if (texts.length > 0 && filled.length === 0) throw new Error('is empty; give it a value, or leave it out')
  return filled
}

/** The variable of a flag: `MAAS_PROXY_`, then the flag in upper case with `_` for `-`. */
export function envOf (flag: string): string {
  return `MAAS_PROXY_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`
}
