import { DEFAULT_SOURCE, type Flags, type SettingInput, type Lookup, type Scopes } from './setting-input.ts'
import { readConfigFile } from './config-file.ts'
import { gather } from './sources.ts'
import type { Environment } from '../environment.ts'
import { type SettingName, SETTINGS } from './table.ts'
import type { SettingsReport } from './report.ts'

/** Weaker than anything that was given. */
const DEFAULT_RANK = 9

/** What may be said beside a configuration file: how the program talks, not what it does. */
const BESIDE_CONFIG: readonly SettingName[] = ['config', 'envFile', 'logLevel', 'logFormat']

/**
 * Finds out what was given: by flags and variables, which describe one listener, or by a configuration file, which describes several. Not
 * by both, since nobody could tell which listener a flag is meant for.
 * @param report receives the messages
 * @param defaults what a command takes in place of the defaults of the table
 * @throws SettingsError where there is a configuration file that cannot be made out
 */
export async function readScopes (flags: Flags, environment: Environment, report: SettingsReport, defaults: Flags = {}): Promise<Scopes> {
  const given = gather(flags, environment, report)
  const config = given('config')
  const orDefault = (given: Lookup): Lookup => name => given(name) ?? defaultOf(name, defaults)
  if (config === undefined) return { program: orDefault(given), listeners: [{ where: '', given: orDefault(given) }] }
  const others = (Object.keys(SETTINGS) as SettingName[]).filter(name => !BESIDE_CONFIG.includes(name)).map(name => given(name)?.source).filter(source => source !== undefined)
  if (others.length > 0) report.problem(`${config.source} and ${others.join(', ')}: a configuration file describes everything; move the setting into it, or leave the file out`)
  const file = await readConfigFile(config.texts[0] as string, config.source, report)
  if (file === null) throw report.toError() // whatever else was said to be missing may stand in it
  return {
    program: orDefault(name => (BESIDE_CONFIG.includes(name) ? given(name) : undefined) ?? file.program(name)),
    listeners: file.listeners.map(({ where, given }) => ({ where, given: orDefault(given) }))
  }
}

function defaultOf (name: SettingName, { [name]: texts }: Flags): SettingInput | undefined {
  return texts === undefined ? undefined : { texts, source: DEFAULT_SOURCE, rank: DEFAULT_RANK }
}
