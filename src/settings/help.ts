import { SETTINGS, type Setting } from './table.ts'

/** One command as help shows it. */
export interface CommandHelp {
  name: string
  help: string
}

/** The text of `--help`: everything there is, on one page. */
export function helpText (commands: readonly CommandHelp[]): string {
  const settings: ReadonlyArray<Setting<unknown>> = Object.values(SETTINGS)
  const commandWidth = Math.max(...commands.map(command => command.name.length))
  return `usage: maas-auth-proxy [COMMAND] [SETTINGS]

Takes plain requests on localhost, signs them with a MAAS API key that only it holds, and passes them on to MAAS.

commands:
${commands.map(({ name, help }) => `  ${name.padEnd(commandWidth)}  ${help}`).join('\n')}

settings (flag > environment > .env file > default):
${settings.map(describe).join('\n')}
`
}

function describe (setting: Setting<unknown>): string {
  const { flag, env, value, repeatable, help } = setting
  const names = flag === null ? env : `${flag}${value === null ? '' : ` ${value}`}${repeatable ? ' ...' : ''}, ${env}`
  return `  ${names}\n      ${help}${shownDefault(setting)}`
}

function shownDefault ({ default: text, value }: Setting<unknown>): string {
  return !text || text.startsWith('/') || value === null ? '' : ` (${text})`
}
