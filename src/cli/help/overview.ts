import { GROUPS, type Setting } from '../../settings/setting.ts'
import { SETTINGS } from '../../settings/table.ts'
import type { Command, Commands, Example } from '../command.ts'
import { OTHER_FLAGS } from '../flags.ts'
import { usagesOf } from '../usage.ts'
import { EXAMPLES } from './sections.ts'
import { columns, list, type Row, wrap } from './text.ts'
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
  const flags = flagsOf(name, command)
  const { forms, operands } = command
  const words = `${name}${forms === undefined ? '' : ' and its words'}${operands === undefined ? '' : ', up to --'}`
  return `${usage}

${wrap(`${command.help}.`)}

examples:
${command.examples.map(([line, purpose]) => `  maas-auth-proxy ${line}\n${wrap(purpose, '      ')}`).join('\n')}
${flags.length === 0 ? '' : `\nflags:\n${list(flags)}\n`}
settings may stand before and after ${words}: maas-auth-proxy help settings
`
}

/** The flags that a command takes besides settings, without what the texts say of its name. */
function flagsOf (name: string, { ownFlags = [], json, verbose, standIn }: Command): Row[] {
  const flags = [
    ...ownFlags,
    ...standIn === true ? ['--stand-in-only', '--maas-version'] as const : [],
    ...json === true ? ['--json'] as const : [],
    ...verbose === true ? ['--verbose'] as const : []
  ]
  return flags.map(flag => {
    const text = OTHER_FLAGS[flag].replace(', where the command says so', '')
    const [, tasks = '', meaning = text] = /^([a-z, ]+): (.*)$/.exec(text) ?? []
    const own = tasks.replaceAll(new RegExp(`\\b${name} ?`, 'g'), '')
    return [flag, own === '' ? meaning : `${own}: ${meaning}`]
  })
}

function exampleRow ([line, purpose]: Example): Row {
  return [`maas-auth-proxy ${line}`, purpose]
}
