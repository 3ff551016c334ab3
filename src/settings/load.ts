import { statSync } from 'node:fs'
import { type ApiKey, parseApiKey } from '../maas/api-key.ts'
import type { MaasUrl } from '../maas/maas-url.ts'
import { type Environment, type Flags, gather, type Given } from './sources.ts'
import { SETTINGS, type SettingName, type Values } from './table.ts'
import { readSettingFile } from './values.ts'

/** Everything the proxy needs to know, checked. */
export interface Config extends Readonly<Omit<Values, 'maasUrl' | 'apiKey' | 'apiKeyFile' | 'envFile'>> {
  readonly maasUrl: MaasUrl
  readonly apiKey: ApiKey
  /** lines to log at the start, each a thing that works but should not stay */
  readonly warnings: readonly string[]
}

/** All that is wrong with the settings, a line each; nothing in it repeats a secret. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor (problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/**
 * Makes the configuration from what was given. Precedence: flag > environment > `.env` file > default.
 * @param flags from the command line
 * @param environment the process's variables
 * @throws SettingsError with every problem there is, not only the first
 */
export function loadConfig (flags: Flags, environment: Environment): Config {
  const problems: string[] = []
  const warnings: string[] = []
  const given = gather(flags, environment, problems)

  const values = readValues(given, problems)
  if (given('maasUrl') === undefined) problems.push('MAAS_URL: not set; say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS')
  const apiKey = chooseApiKey(values.apiKey, given('apiKey'), given('apiKeyFile'), problems, warnings)

  const { maasUrl, apiKeyFile, envFile, ...rest } = values
  if (problems.length > 0 || maasUrl === undefined || apiKey === undefined) throw new SettingsError(problems)
  if (!apiKey.hasUsualForm) warnings.push('the API key does not have the form that MAAS gives its keys (18, 18 and 32 letters and digits); was it copied whole?')
  return Object.freeze({ ...rest, maasUrl, apiKey, warnings })
}

function readValues (given: (name: SettingName) => Given | undefined, problems: string[]): Values {
  const names = Object.keys(SETTINGS) as SettingName[]
  return Object.fromEntries(names.map(name => {
    const { default: defaultText, parse } = SETTINGS[name]
    const { text, source } = given(name) ?? { text: defaultText, source: 'default' }
    return [name, text === undefined ? undefined : attempt(() => parse(text), source, problems)]
  })) as Values // an entry that failed is undefined, but then there is a problem, and these values go nowhere
}

/** The key from the stronger source; two of the same strength are a contradiction that only the user can solve. */
function chooseApiKey (key: ApiKey | undefined, direct: Given | undefined, file: Given | undefined, problems: string[], warnings: string[]): ApiKey | undefined {
  if (file === undefined) {
    if (direct === undefined) problems.push('MAAS_API_KEY: not set; set it, or name a file that holds the key with --api-key-file')
    return key
  }
  if (direct !== undefined && direct.rank === file.rank) {
    problems.push(`${direct.source} and ${file.source}: both are set; keep one`)
    return undefined
  }
  if (direct !== undefined && direct.rank < file.rank) return key
  return attempt(() => {
    const apiKey = parseApiKey(readSettingFile(file.text))
    if ((statSync(file.text).mode & 0o004) !== 0) warnings.push(`${file.source}: every user of this machine may read ${file.text}; chmod 600 it`)
    return apiKey
  }, file.source, problems)
}

function attempt<T> (read: () => T, source: string, problems: string[]): T | undefined {
  try {
    return read()
  } catch (error) {
    problems.push(`${source}: ${(error as Error).message}`)
    return undefined
  }
}
