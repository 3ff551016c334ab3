import { DEFAULT_SOURCE, type Lookup } from './setting-input.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import { attempt } from './values.ts'
import type { SettingsReport } from './report.ts'

/**
 * Reads what was given for some settings, and the defaults of the others among them.
 * @param report receives the messages
 */
export async function readValues<Name extends SettingName> (names: readonly Name[], given: Lookup, report: SettingsReport): Promise<Pick<Values, Name>> {
  const entries = names.map(async name => {
    const { default: defaultText, parse } = SETTINGS[name]
    const { texts, source } = given(name) ?? { texts: defaultText === undefined ? undefined : defaultText === '' ? [] : [defaultText], source: DEFAULT_SOURCE }
    return [name, texts === undefined ? undefined : await attempt(() => parse(texts), source, report)] as const
  })
  return Object.fromEntries(await Promise.all(entries)) as Pick<Values, Name>
}
