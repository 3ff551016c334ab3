import type { Flags, SettingInput, Lookup } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import { parse } from 'dotenv'
import { existsSync } from 'node:fs'
import { suggestion } from '../text/suggestion.ts'
import { type Setting, type SettingName, SETTINGS } from './table.ts'
import { readSettingFile } from './values.ts'
import type { SettingsReport } from './report.ts'

const ENV_PREFIX = 'MAAS_PROXY_'
const DEFAULT_ENV_FILE = '.env'
const KNOWN_VARIABLES: readonly string[] = Object.values(SETTINGS).map(setting => setting.env)

/**
 * Gathers what was given, once for all settings: flag > environment > `.env` file. The file is read by dotenv into an
 * object of its own and never put into the process's environment.
 * @param report receives the messages
 * @returns a look-up by setting, and all that was found
 */
export function gather (flags: Flags, environment: Environment, report: SettingsReport): Lookup {
  const fromFlag = (name: SettingName) => flags[name] === undefined ? undefined : { texts: flags[name], source: SETTINGS[name].flag as string, rank: 0 }
  const fromEnvironment = (name: SettingName) => fromVariables(environment, SETTINGS[name], 1)

  const envFile = fromFlag('envFile') ?? fromEnvironment('envFile')
  const path = envFile?.texts[0] ?? DEFAULT_ENV_FILE
  const file = readEnvFile(path, envFile?.source, report)
  reportUnknown(environment, report)
  reportUnknown(file, report, path)
  return name => fromFlag(name) ?? fromEnvironment(name) ?? fromVariables(file, SETTINGS[name], 2, path)
}

/** Gathers what the environment alone says. @param report receives the messages */
export function gatherVariables (environment: Environment, report: SettingsReport): Lookup {
  reportUnknown(environment, report)
  return name => fromVariables(environment, SETTINGS[name], 1)
}

function fromVariables (variables: Environment, setting: Setting<unknown>, rank: number, file?: string): SettingInput | undefined {
  const text = variables[setting.env]
  if (text === undefined || text === '') return undefined
  return { texts: setting.repeatable ? text.split(/[\n;]/).map(part => part.trim()) : [text], source: setting.env + placeOf(file), rank, file }
}

function readEnvFile (path: string, asked: string | undefined, report: SettingsReport): Environment {
  if (asked === undefined && !existsSync(path)) return {}
  try {
    return parse(readSettingFile(path))
  } catch (error) {
    report.problem(`${asked ?? DEFAULT_ENV_FILE}: ${(error as Error).message}`)
    return {}
  }
}

function reportUnknown (variables: Environment, report: SettingsReport, file?: string): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith(ENV_PREFIX) || KNOWN_VARIABLES.includes(name)) continue
    const ofMaas = name.replace('_PROXY', '') // what says where MAAS is, and which key, is named as other tools name it
    report.problem(`${name}${placeOf(file)}: no such variable${KNOWN_VARIABLES.includes(ofMaas) ? `; did you mean ${ofMaas}?` : suggestion(name, KNOWN_VARIABLES, ENV_PREFIX)}`)
  }
}

/** Where a variable stands, behind its name; nothing for the environment. */
function placeOf (file: string | undefined): string {
  return file === undefined ? '' : ` (${file})`
}
