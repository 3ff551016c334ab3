import type { Flags, SettingInput, Lookup } from './setting-input.ts'
import type { Environment } from '../environment.ts'
import { resolve } from 'node:path'
import { FOUND_ENV_FILE, readFoundEnvFile, readNamedEnvFile } from './env-file.ts'
import { nearWord } from '../text/suggestion.ts'
import type { Setting } from './setting.ts'
import { type SettingName, SETTINGS } from './table.ts'
import type { SettingsReport } from './report.ts'

const ENV_PREFIX = 'MAAS_PROXY_'
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
  const path = envFile?.texts[0] ?? FOUND_ENV_FILE
  const file = envFile === undefined ? readFoundEnvFile(report) : readNamedEnvFile(path, envFile.source, report)
  reportUnknown(environment, report)
  reportUnknown(file, report, path)
  const fromFile = (name: SettingName) => {
    const input = fromVariables(file, SETTINGS[name], 2, path)
    return input === undefined || envFile !== undefined ? input : { ...input, isFound: true }
  }
  const lookup: Lookup = name => fromFlag(name) ?? fromEnvironment(name) ?? fromFile(name)
  noticeFound(lookup, report)
  return lookup
}

/** Tells what comes from a file that the user did not name. */
function noticeFound (lookup: Lookup, report: SettingsReport): void {
  const names = (Object.keys(SETTINGS) as SettingName[]).filter(name => lookup(name)?.isFound === true)
  if (names.length === 0) return
  report.notice(`settings from ${resolve(FOUND_ENV_FILE)}: ${names.map(name => SETTINGS[name].env).join(', ')}`)
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

function reportUnknown (variables: Environment, report: SettingsReport, file?: string): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith(ENV_PREFIX) || KNOWN_VARIABLES.includes(name)) continue
    const meant = meantBy(name)
    const setting = (Object.keys(SETTINGS) as SettingName[]).find(setting => SETTINGS[setting].env === meant)
    if (setting !== undefined) report.excuse(setting)
    report.problem(`${name}${placeOf(file)}: no such variable${meant === null ? '' : `; did you mean ${meant}?`}`)
  }
}

/** The variable that an unknown one was meant to be. Those that other tools have too: MAAS_URL, MAAS_API_KEY. */
function meantBy (name: string): string | null {
  const ofMaas = [name.replace('_PROXY', ''), name.replace('_PROXY_MAAS', '')]
  return ofMaas.find(candidate => KNOWN_VARIABLES.includes(candidate)) ?? nearWord(name, KNOWN_VARIABLES, ENV_PREFIX)
}

/** The file of a variable, for messages, behind its name; empty for the environment. */
function placeOf (file: string | undefined): string {
  return file === undefined ? '' : ` (${file})`
}
