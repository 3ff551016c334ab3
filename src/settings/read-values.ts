import { DEFAULT_SOURCE, type Lookup, messageAbout, type SettingInput } from './setting-input.ts'
import type { Setting } from './setting.ts'
import { type SettingName, SETTINGS, type Values } from './table.ts'
import type { SettingsReport } from './report.ts'

/**
 * Reads the values of some settings: of their inputs, or of their defaults.
 * @param report receives a problem for each value that cannot be read
 * @returns the values; one that cannot be read is undefined, so they must not be used if the report has problems
 */
export function readValues<Name extends SettingName> (
  names: readonly Name[], lookup: Lookup, report: SettingsReport
): Pick<Values, Name> {
  const entries = names.map(name => {
    const defaultTexts = defaultOf(SETTINGS[name])
    const input = lookup(name) ??
      (defaultTexts === undefined ? undefined : { texts: defaultTexts, source: DEFAULT_SOURCE, rank: Infinity })
    return [name, input === undefined ? undefined : readValue<unknown>(SETTINGS[name], input, report)] as const
  })
  return Object.fromEntries(entries) as Pick<Values, Name>
}

function readValue<T> ({ parse }: Setting<T>, input: SettingInput, report: SettingsReport): T | undefined {
  try {
    return parse(input.texts)
  } catch (error) {
    const wrong = Math.max(0, input.texts.findIndex(text => !isReadable(parse, text)))
    const { message } = error as Error
    const isQuoted = /^(["']).*\1$/s.test(input.texts[wrong] as string) && !message.startsWith('has a quote')
    const problem = isQuoted ? 'has quotes around its value; leave them out' : message
    report.problem(messageAbout(input, problem, wrong))
    return undefined
  }
}

function isReadable (parse: (texts: readonly string[]) => unknown, text: string): boolean {
  try {
    parse([text])
    return true
  } catch {
    return false
  }
}

/** The texts of a default. An empty default is that of a list, without texts. */
function defaultOf ({ default: text }: Setting<unknown>): readonly string[] | undefined {
  if (text === undefined) return undefined
  return text === '' ? [] : [text]
}
