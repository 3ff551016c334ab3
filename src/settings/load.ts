import { statSync } from 'node:fs'
import { type ApiKey, parseApiKey } from '../maas/api-key.ts'
import type { MaasUrl } from '../maas/maas-url.ts'
import type { Policy } from '../policy/policy.ts'
import { type EgressProxy, findEgress } from './egress.ts'
import { checkListeners } from './listeners.ts'
import { buildPolicy } from './policy.ts'
import { checkTls } from './tls.ts'
import { type Environment, type Flags, gather, type Given } from './sources.ts'
import { SETTINGS, type SettingName, type Values } from './table.ts'
import { readSettingFile } from './values.ts'

/** Everything the proxy needs to know, checked. */
export interface Config extends Readonly<Omit<Values, 'maasUrl' | 'apiKey' | 'apiKeyFile' | 'envFile' | 'policy'>> {
  readonly maasUrl: MaasUrl
  readonly apiKey: ApiKey
  readonly policy: Policy
  /** the proxy that MAAS is reached through, as the environment wants it; null where it is reached directly */
  readonly egress: EgressProxy | null
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
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') problems.push('NODE_TLS_REJECT_UNAUTHORIZED: is 0, which asks not to verify the certificate of MAAS; unset it, the key would go to whoever answers')
  if (given('maasUrl') === undefined) problems.push('MAAS_URL: not set; say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS')
  const apiKey = chooseApiKey(values.apiKey, given('apiKey'), given('apiKeyFile'), problems, warnings)
  const policy = loadedPolicy(values, problems)
  if (values.listen !== undefined && values.allowHost !== undefined) checkListeners(values, problems, warnings)
  const egress = values.maasUrl === undefined ? null : findEgress(environment, values.maasUrl, problems)
  checkTls(values, egress, problems, warnings)

  const { maasUrl, apiKeyFile, envFile, ...rest } = values
  if (problems.length > 0 || maasUrl === undefined || apiKey === undefined || policy === undefined) throw new SettingsError(problems)
  if (!apiKey.hasUsualForm) warnings.push('the API key does not have the form that MAAS gives its keys (18, 18 and 32 letters and digits); was it copied whole?')
  if (values.allowCredentialOperations) warnings.push('--allow-credential-operations: whoever reaches the proxy can take API keys and passwords from MAAS')
  if (values.policyMode === 'warn') warnings.push('--policy-mode warn: the rules are not enforced')
  return Object.freeze({ ...rest, maasUrl, apiKey, policy, egress, warnings })
}

/**
 * Makes the policy alone, which needs neither MAAS nor a key.
 * @throws SettingsError with every problem of the settings, of the others too
 */
export function loadPolicy (flags: Flags, environment: Environment): Policy {
  const problems: string[] = []
  const values = readValues(gather(flags, environment, problems), problems)
  const policy = loadedPolicy(values, problems)
  if (policy === undefined || problems.length > 0) throw new SettingsError(problems)
  return policy
}

function readValues (given: (name: SettingName) => Given | undefined, problems: string[]): Values {
  const names = Object.keys(SETTINGS) as SettingName[]
  return Object.fromEntries(names.map(name => {
    const { default: defaultText, parse } = SETTINGS[name]
    const { texts, source } = given(name) ?? { texts: defaultText === undefined ? undefined : defaultText === '' ? [] : [defaultText], source: 'default' }
    return [name, texts === undefined ? undefined : attempt(() => parse(texts), source, problems)]
  })) as Values // an entry that failed is undefined, but then there is a problem, and these values go nowhere
}

/** The policy, unless its rules could not be read. */
function loadedPolicy (values: Values, problems: string[]): Policy | undefined {
  return values.allow === undefined || values.deny === undefined ? undefined : buildPolicy(values, problems)
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
  const [path = ''] = file.texts
  return attempt(() => {
    const apiKey = parseApiKey(readSettingFile(path))
    if ((statSync(path).mode & 0o004) !== 0) warnings.push(`${file.source}: every user of this machine may read ${path}; chmod 600 it`)
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
