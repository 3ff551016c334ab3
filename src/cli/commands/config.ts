import type { Writable } from 'node:stream'
import type { Document } from 'yaml'
import { LISTENERS } from '../../settings/config-file.ts'
import { type EffectiveSetting, type EffectiveSettings, effectiveSettings } from '../../settings/effective.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { configSchema } from '../../settings/schema.ts'
import { type Paint, paintFor } from '../../text/terminal.ts'
import { type Command, EXIT } from '../command.ts'

/** Prints the settings in effect as a configuration file, or the JSON Schema of such a file. */
export const config: Command = {
  summary: 'print the settings in effect, or the schema of the file',
  help: 'print: the settings in effect, as a file for --config, and the source of each (--json); ' +
    'schema: the JSON Schema of that file',
  examples: [
    ['config print > proxy.yaml', 'turn flags and variables into a file for --config'],
    ['config schema > schema.json', 'for an editor']
  ],
  forms: [['print'], ['schema']],
  json: true,
  async run ({ flags, json, words: [, action] }, { env, stdout }) {
    if (action === 'schema') return printJson(configSchema(), stdout)
    const loaded = await loadConfig(flags, env)
    const effective = await effectiveSettings(flags, env)
    if (json) return printJson(contentOf(effective), stdout)
    stdout.write(alignComments(await yamlOf(effective, loaded), paintFor(stdout, env)))
    return EXIT.ok
  }
}

function printJson (value: unknown, stdout: Writable): number {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  return EXIT.ok
}

function contentOf ({ program, listeners }: EffectiveSettings): Record<string, unknown> {
  const object = (settings: readonly EffectiveSetting[]) => (
    Object.fromEntries(settings.map(({ key, value }) => [key, value]))
  )
  return { ...object(program), [LISTENERS]: listeners.map(object) }
}

async function yamlOf (effective: EffectiveSettings, { maasUrl, keys, notices }: Config): Promise<string> {
  const { Document } = await import('yaml')
  const document = new Document(contentOf(effective))
  document.commentBefore = [
    'The settings in effect, each with its source.',
    `MAAS is at ${maasUrl.href}; the API key is from ${keys.map(({ name }) => name).join(' and ')}.`,
    ...notices
  ].map(line => ` ${line}`).join('\n')
  for (const setting of effective.program) comment(document, [setting.key], setting)
  for (const [i, settings] of effective.listeners.entries()) {
    for (const setting of settings) comment(document, [LISTENERS, i, setting.key], setting)
  }
  return document.toString({ lineWidth: 0 })
}

function comment (
  document: Document, path: ReadonlyArray<string | number>, { source, secret }: EffectiveSetting
): void {
  const node = document.getIn(path, true) as { comment?: string, flow?: boolean }
  node.flow = true // keeps a list on one line, with the comment at its end
  node.comment = ` ${source}${secret ? '; write the key into a file of its own, and name that with api-key-file' : ''}`
}

/** The widest setting that comments of others are aligned to. */
const WIDEST_VALUE = 60

/** Aligns the comments at the ends of lines, and dims all comments. No source of a setting has a `#`. */
function alignComments (yaml: string, paint: Paint): string {
  const rows = yaml.split('\n').map(line => {
    const at = line.lastIndexOf('# ')
    return at < 0 ? { value: line, comment: '' } : { value: line.slice(0, at), comment: line.slice(at) }
  })
  const widths = rows.map(({ value }) => value.length).filter(width => width <= WIDEST_VALUE)
  const width = Math.max(...widths)
  return rows.map(({ value, comment }) => {
    if (comment === '') return value
    return (value === '' ? '' : value.padEnd(width)) + paint('dim', comment)
  }).join('\n')
}
