import { DEFAULT_SOURCE, type Lookup } from './setting-input.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import { attempt } from './values.ts'

/**
 * Reads what was given for some settings, and the defaults of the others among them.
 * @param problems gets a line for each value that cannot be read; its entry then is undefined, and the values must go nowhere
 */
export async function readValues<Name extends SettingName> (names: readonly Name[], given: Lookup, problems: string[]): Promise<Pick<Values, Name>> {
  const entries = names.map(async name => {
    const { default: defaultText, parse } = SETTINGS[name]
    const { texts, source } = given(name) ?? { texts: defaultText === undefined ? undefined : defaultText === '' ? [] : [defaultText], source: DEFAULT_SOURCE }
    return [name, texts === undefined ? undefined : await attempt(() => parse(texts), source, problems)] as const
  })
  return Object.fromEntries(await Promise.all(entries)) as Pick<Values, Name>
}
