import { parse } from 'dotenv'
import { existsSync } from 'node:fs'
import { suggestion } from './suggestion.ts'
import { SETTINGS, type Setting, type SettingName } from './table.ts'
import { readSettingFile } from './values.ts'

/** What was given for a setting, and where. */
export interface Given {
  /** one, unless the setting is repeatable */
  texts: readonly string[]
  /** how the user would name it: `--listen`, `MAAS_PROXY_LISTEN`, `MAAS_PROXY_LISTEN (.env)`, `readOnly` */
  source: string
  /** 0 flag or option of the library, 1 environment, 2 `.env` file; of a configuration file 1 is a listener's own, 2 for all: the lower wins */
  rank: number
  /** the file of settings that it stands in; undefined where it stands in none */
  file?: string | undefined
}

/** The source of what nobody gave. */
export const DEFAULT_SOURCE = 'default'

/** What was given for a setting; undefined where nothing was. */
export type Lookup = (name: SettingName) => Given | undefined

/** What the command line says of the settings: texts by the setting's name. */
export type Flags = Partial<Record<SettingName, readonly string[]>>

/** Variables by name; one that is empty counts as not set, as compose files and shells write them. */
export type Environment = Readonly<Record<string, string | undefined>>

const ENV_PREFIX = 'MAAS_PROXY_'
const DEFAULT_ENV_FILE = '.env'
const KNOWN_VARIABLES: readonly string[] = Object.values(SETTINGS).map(setting => setting.env)

/**
 * Gathers what was given, once for all settings: flag > environment > `.env` file. The file is read by dotenv into an
 * object of its own and never put into the process's environment.
 * @param problems gets a line for each variable that no setting has, and for an unreadable `.env` file
 * @returns a look-up by setting, and all that was found
 */
export function gather (flags: Flags, environment: Environment, problems: string[]): Lookup {
  const fromFlag = (name: SettingName) => flags[name] === undefined ? undefined : { texts: flags[name], source: SETTINGS[name].flag as string, rank: 0 }
  const fromEnvironment = (name: SettingName) => fromVariables(environment, SETTINGS[name], 1)

  const envFile = fromFlag('envFile') ?? fromEnvironment('envFile')
  const path = envFile?.texts[0] ?? DEFAULT_ENV_FILE
  const file = readEnvFile(path, envFile?.source, problems)
  reportUnknown(environment, problems)
  reportUnknown(file, problems, path)
  return name => fromFlag(name) ?? fromEnvironment(name) ?? fromVariables(file, SETTINGS[name], 2, path)
}

/** Gathers what the environment alone says. @param problems gets a line for each variable that no setting has */
export function gatherVariables (environment: Environment, problems: string[]): Lookup {
  reportUnknown(environment, problems)
  return name => fromVariables(environment, SETTINGS[name], 1)
}

function fromVariables (variables: Environment, setting: Setting<unknown>, rank: number, file?: string): Given | undefined {
  const text = variables[setting.env]
  if (text === undefined || text === '') return undefined
  return { texts: setting.repeatable ? text.split(/[\n;]/).map(part => part.trim()) : [text], source: setting.env + placeOf(file), rank, file }
}

function readEnvFile (path: string, asked: string | undefined, problems: string[]): Environment {
  if (asked === undefined && !existsSync(path)) return {}
  try {
    return parse(readSettingFile(path))
  } catch (error) {
    problems.push(`${asked ?? DEFAULT_ENV_FILE}: ${(error as Error).message}`)
    return {}
  }
}

function reportUnknown (variables: Environment, problems: string[], file?: string): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith(ENV_PREFIX) || KNOWN_VARIABLES.includes(name)) continue
    const ofMaas = name.replace('_PROXY', '') // what says where MAAS is, and which key, is named as other tools name it
    problems.push(`${name}${placeOf(file)}: no such variable${KNOWN_VARIABLES.includes(ofMaas) ? `; did you mean ${ofMaas}?` : suggestion(name, KNOWN_VARIABLES, ENV_PREFIX)}`)
  }
}

/** Where a variable stands, behind its name; nothing for the environment. */
function placeOf (file: string | undefined): string {
  return file === undefined ? '' : ` (${file})`
}
