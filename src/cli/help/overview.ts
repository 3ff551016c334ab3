import { GROUPS, type Setting } from '../../settings/setting.ts'
import { SETTINGS } from '../../settings/table.ts'
import type { Command, Commands, Example } from '../command.ts'
import { usagesOf } from '../usage.ts'
import { EXAMPLES } from './sections.ts'
import { columns, type Row, wrap } from './text.ts'
import { TOPICS } from './topics.ts'

/** The text of `--help`: at most 40 lines. */
export function overview (commands: Commands): string {
  const settings: ReadonlyArray<Setting<unknown>> = Object.values(SETTINGS)
  const groups = GROUPS.map((group): Row => [
    group, settings.filter(row => row.group === group).map(({ flag, env }) => flag ?? env).join(', ')
  ])
  return `usage: maas-auth-proxy [COMMAND] [SETTINGS]

${wrap('Takes plain requests on localhost, signs them with a MAAS API key that only it holds, ' +
  'and passes them on to MAAS.')}

examples:
${columns(EXAMPLES.map(exampleRow))}

commands:
${columns(Object.entries(commands).map(([name, { summary }]): Row => [name, summary]))}

settings (flag > environment > .env file > default):
${columns(groups)}

more: COMMAND --help, help ${Object.keys(TOPICS).join('|')}, explain CODE, --version
`
}

/** The text of `COMMAND --help`. */
export function commandHelp (name: string, command: Command): string {
  const [first, ...others] = usagesOf(name, command).map(usage => `maas-auth-proxy ${usage}`)
  const usage = [`usage: ${first}`, ...others.map(line => `       ${line}`)].join('\n')
  return `${usage}

${wrap(`${command.help}.`)}

examples:
${command.examples.map(([line, purpose]) => `  maas-auth-proxy ${line}\n${wrap(purpose, '      ')}`).join('\n')}

settings may stand before and after these words: maas-auth-proxy help settings
`
}

function exampleRow ([line, purpose]: Example): Row {
  return [`maas-auth-proxy ${line}`, purpose]
}
