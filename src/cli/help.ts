import { OTHER_FLAGS } from './flags.ts'
import type { Setting } from '../settings/setting.ts'
import { SETTINGS } from '../settings/table.ts'

/** One command as help shows it. */
export interface CommandHelp {
  /** how it is called, a line for each form */
  usages: readonly string[]
  help: string
}

/** The text of `--help`: everything there is, on one page. @param exitStatus rows of exit codes and what they say */
export function helpText (commands: readonly CommandHelp[], exitStatus: ReadonlyArray<readonly [code: string, meaning: string]>): string {
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

/** How a setting is typed: as a flag with what stands for its value, or as a variable where it has no flag. */
export function usageOf ({ flag, env, value, repeatable }: Setting<unknown>): string {
  return flag === null ? env : `${flag}${value === null ? '' : ` ${value}`}${repeatable ? ' ...' : ''}`
}

/** What a setting means, and its default where that says something. */
export function meaningOf ({ help, default: text, value }: Setting<unknown>): string {
  return !text || text.startsWith('/') || value === null ? help : `${help} (${text})`
}

function describe (setting: Setting<unknown>): string {
  return `  ${usageOf(setting)}${setting.flag === null ? '' : `, ${setting.env}`}\n      ${meaningOf(setting)}`
}
