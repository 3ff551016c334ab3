import { DEFAULT_SOURCE, type Lookup } from './setting-input.ts'
import type { Setting } from './setting.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import { attempt } from './values.ts'
import type { SettingsReport } from './report.ts'

/**
 * Reads the values of some settings: of their inputs, or of their defaults.
 * @param report receives a problem for each value that cannot be read
 * @returns the values; one that cannot be read is undefined, so they must not be used if the report has problems
 */
export async function readValues<Name extends SettingName> (
  names: readonly Name[], lookup: Lookup, report: SettingsReport
): Promise<Pick<Values, Name>> {
  const entries = names.map(async name => {
    const { texts, source } = lookup(name) ?? { texts: defaultOf(SETTINGS[name]), source: DEFAULT_SOURCE }
    const { parse } = SETTINGS[name]
    return [name, texts === undefined ? undefined : await attempt(() => parse(texts), source, report)] as const
  })
  return Object.fromEntries(await Promise.all(entries)) as Pick<Values, Name>
}

/** The texts of a default. An empty default is that of a list, without texts. */
function defaultOf ({ default: text }: Setting<unknown>): readonly string[] | undefined {
  if (text === undefined) return undefined
  return text === '' ? [] : [text]
}
