import { OTHER_FLAGS } from './flags.ts'
import type { Setting } from '../settings/setting.ts'
import { SETTINGS } from '../settings/table.ts'

/** The help of one command. */
export interface CommandHelp {
  /** the forms of the command, a line each */
  usages: readonly string[]
  help: string
}

/** The text of `--help`. @param exitStatus the exit codes and their meanings */
export function helpText (
  commands: readonly CommandHelp[], exitStatus: ReadonlyArray<readonly [code: string, meaning: string]>
): string {
  const settings: ReadonlyArray<Setting<unknown>> = Object.values(SETTINGS)
  return `usage: maas-auth-proxy [COMMAND] [SETTINGS]

Takes plain requests on localhost, signs them with a MAAS API key that only it holds, and passes them on to MAAS.

commands:
${commands.map(({ usages, help }) => `${usages.map(usage => `  ${usage}\n`).join('')}      ${help}`).join('\n')}

settings (flag > environment > .env file > default):
${settings.map(describe).join('\n')}

other flags:
${Object.entries(OTHER_FLAGS).map(([flag, help]) => `  ${flag}\n      ${help}`).join('\n')}

exit codes:
${exitStatus.map(([code, meaning]) => `  ${code}\n      ${meaning}`).join('\n')}
`
}

/** A setting as the user types it: its flag with the placeholder of the value, or its variable if it has no flag. */
export function usageOf ({ flag, env, value, repeatable }: Setting<unknown>): string {
  return flag === null ? env : `${flag}${value === null ? '' : ` ${value}`}${repeatable ? ' ...' : ''}`
}

/** The help of a setting with its default. Defaults of switches and paths in the package are left out. */
export function meaningOf ({ help, default: text, value }: Setting<unknown>): string {
  return !text || text.startsWith('/') || value === null ? help : `${help} (${text})`
}

function describe (setting: Setting<unknown>): string {
  return `  ${usageOf(setting)}${setting.flag === null ? '' : `, ${setting.env}`}\n      ${meaningOf(setting)}`
}
