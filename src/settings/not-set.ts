import type { Environment } from '../environment.ts'
import type { SettingsReport } from './report.ts'
import type { Lookup } from './setting-input.ts'
import type { SettingName } from './table.ts'
import { quote } from './values.ts'

/** The variables in which other programs for MAAS have what these settings are. */
const OTHER_NAMES = {
  maasUrl: ['MAAS_API_URL', 'MAAS_ENDPOINT', 'MAAS_HOST', 'MAAS_SERVER', 'MAAS_ADDRESS'],
  apiKey: ['MAAS_APIKEY', 'MAAS_KEY', 'MAAS_TOKEN', 'MAAS_API_TOKEN', 'MAAS_CREDENTIALS', 'MAAS_OAUTH']
} as const

/** The settings that can have what is missing. */
const CARRIERS = {
  maasUrl: ['maasUrl', 'profile', 'config', 'envFile'],
  apiKey: ['apiKey', 'apiKeyFile', 'profile', 'config', 'envFile']
} as const satisfies Record<string, readonly SettingName[]>

/** Whether a problem of the report explains why a setting is missing. */
export function isExplained (name: keyof typeof CARRIERS, report: SettingsReport): boolean {
  return CARRIERS[name].some(carrier => report.isExcused(carrier))
}

/** How to write what is missing, in the environment and in a configuration file. */
const REMEDIES = {
  maasUrl: ['MAAS_URL', 'say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS'],
  apiKey: [
    'MAAS_API_KEY',
    'set it, or name a file that holds the key with --api-key-file, or a profile of the maas CLI with --profile'
  ]
} as const
const FILE_REMEDIES = {
  maasUrl: ['maas-url', 'write a line maas-url: http://maas.example:5240/MAAS'],
  apiKey: ['api-key-file', 'write a line api-key-file: FILE, with the file that holds the key']
} as const

/**
 * The message that a setting is missing.
 * @param lookup tells whether there is a configuration file
 * @param environment may have the variable of another program, which the message then names
 */
export function notSet (name: keyof typeof OTHER_NAMES, lookup: Lookup, environment: Environment): string {
  const config = lookup('config')?.texts[0]
  if (config !== undefined) {
    const [key, remedy] = FILE_REMEDIES[name]
    return `${key}: not set in ${quote(config)}; ${remedy}`
  }
  const [variable, remedy] = REMEDIES[name]
  const other = OTHER_NAMES[name].find(other => environment[other])
  return `${variable}: not set${other === undefined ? '' : `, and ${other} is not read`}; ${remedy}`
}
