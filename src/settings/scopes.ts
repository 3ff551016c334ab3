import { DEFAULT_SOURCE, type Flags, type SettingInput, type Lookup, type Scopes } from './setting-input.ts'
import { readConfigFile } from './config-file.ts'
import { gather } from './sources.ts'
import type { Environment } from '../environment.ts'
import { type SettingName, SETTINGS } from './table.ts'
import type { SettingsReport } from './report.ts'

/** The rank of a command's defaults: weaker than every input of the user. */
const DEFAULT_RANK = 9

/** The settings that may stand beside a configuration file. They say what the program tells, not what it does. */
const BESIDE_CONFIG: readonly SettingName[] = ['config', 'envFile', 'logLevel', 'logFormat', 'logLevelFormat', 'learn']

/**
 * Reads the inputs: flags and variables, which describe one listener, or a configuration file, which describes several.
 * The two do not mix, because a flag does not say which listener it is for.
 * @param report receives the problems
 * @param defaults the defaults of a command, which replace those of the table
 * @throws SettingsError if the configuration file is not an object of settings
 */
export async function readScopes (
  flags: Flags, environment: Environment, report: SettingsReport, defaults: Flags = {}
): Promise<Scopes> {
  const lookup = gather(flags, environment, report)
  const config = lookup('config')
  const withDefaults = (lookup: Lookup): Lookup => name => lookup(name) ?? defaultOf(name, defaults)
  if (config === undefined) {
    const listener = { where: '', lookup: withDefaults(lookup), clients: undefined }
    return { program: withDefaults(lookup), listeners: [listener] }
  }
  const others = (Object.keys(SETTINGS) as SettingName[])
    .filter(name => !BESIDE_CONFIG.includes(name))
    .map(name => lookup(name)?.source)
    .filter(source => source !== undefined)
  if (others.length > 0) {
    const remedy = 'a configuration file describes everything; move the setting into it, or leave the file out'
    report.problem(`${config.source} and ${others.join(', ')}: ${remedy}`)
  }
  const file = await readConfigFile(config.texts[0] as string, config.source, report)
  if (file === null) throw report.toError() // every other setting may be in the file, so none can be called missing
  return {
    program: withDefaults(name => (BESIDE_CONFIG.includes(name) ? lookup(name) : undefined) ?? file.program(name)),
    listeners: file.listeners.map(({ where, lookup, clients }) => (
      { where, clients, lookup: withDefaults(name => name === 'config' ? config : lookup(name)) }
    ))
  }
}

function defaultOf (name: SettingName, { [name]: texts }: Flags): SettingInput | undefined {
  return texts === undefined ? undefined : { texts, source: DEFAULT_SOURCE, rank: DEFAULT_RANK }
}
