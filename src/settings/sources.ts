import type { Flags, SettingInput, Lookup } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import { parse } from 'dotenv'
import { existsSync } from 'node:fs'
import { suggestion } from '../text/suggestion.ts'
import type { Setting } from './setting.ts'
import { type SettingName, SETTINGS } from './table.ts'
import { readSettingFile } from './values.ts'
import type { SettingsReport } from './report.ts'

const ENV_PREFIX = 'MAAS_PROXY_'
const DEFAULT_ENV_FILE = '.env'
const KNOWN_VARIABLES: readonly string[] = Object.values(SETTINGS).map(setting => setting.env)

/**
 * Makes the look-up of all settings: flag > environment > `.env` file. The variables of the file stay apart: they never
 * become part of the process's environment.
 * @param report receives a problem for each variable that is not of a setting, and for an unreadable `.env` file
 */
export function gather (flags: Flags, environment: Environment, report: SettingsReport): Lookup {
  const fromFlag = (name: SettingName): SettingInput | undefined => {
    const { [name]: texts } = flags
    return texts === undefined ? undefined : { texts, source: SETTINGS[name].flag as string, rank: 0 }
  }
  const fromEnvironment = (name: SettingName) => fromVariables(environment, SETTINGS[name], 1)

  const envFile = fromFlag('envFile') ?? fromEnvironment('envFile')
  const path = envFile?.texts[0] ?? DEFAULT_ENV_FILE
  const file = readEnvFile(path, envFile?.source, report)
  reportUnknown(environment, report)
  reportUnknown(file, report, path)
  return name => fromFlag(name) ?? fromEnvironment(name) ?? fromVariables(file, SETTINGS[name], 2, path)
}

/**
 * Makes the look-up of the environment alone.
 * @param report receives a problem for each variable that is not of a setting
 */
export function gatherVariables (environment: Environment, report: SettingsReport): Lookup {
  reportUnknown(environment, report)
  return name => fromVariables(environment, SETTINGS[name], 1)
}

function fromVariables (
  variables: Environment, { env, repeatable }: Setting<unknown>, rank: number, file?: string
): SettingInput | undefined {
  const { [env]: text } = variables
  if (text === undefined || text === '') return undefined
  const texts = repeatable ? text.split(/[\n;]/).map(part => part.trim()) : [text]
  return { texts, source: env + placeOf(file), rank, file }
}

/** @param source the setting that names the file; undefined for the default file, which may be missing */
function readEnvFile (path: string, source: string | undefined, report: SettingsReport): Environment {
  if (source === undefined && !existsSync(path)) return {}
  try {
    return parse(readSettingFile(path))
  } catch (error) {
    report.problem(`${source ?? DEFAULT_ENV_FILE}: ${(error as Error).message}`)
    return {}
  }
}

function reportUnknown (variables: Environment, report: SettingsReport, file?: string): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith(ENV_PREFIX) || KNOWN_VARIABLES.includes(name)) continue
    const withoutProxy = name.replace('_PROXY', '') // the variables that other tools have too: MAAS_URL, MAAS_API_KEY
    const advice = KNOWN_VARIABLES.includes(withoutProxy)
      ? `; did you mean ${withoutProxy}?`
      : suggestion(name, KNOWN_VARIABLES, ENV_PREFIX)
    report.problem(`${name}${placeOf(file)}: no such variable${advice}`)
  }
}

/** The file of a variable, for messages, behind its name; empty for the environment. */
function placeOf (file: string | undefined): string {
  return file === undefined ? '' : ` (${file})`
}
