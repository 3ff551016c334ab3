import type { Writable } from 'node:stream'
import type { Document } from 'yaml'
import { LISTENERS } from '../../settings/config-file.ts'
import { type EffectiveSetting, type EffectiveSettings, effectiveSettings } from '../../settings/effective.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { configSchema } from '../../settings/schema.ts'
import { type Command, EXIT } from '../command.ts'

/** Shows what the settings come to, as a configuration file; or what such a file may have. */
export const config: Command = {
  help: 'print: the settings in effect, as a file for --config, and where each came from (--json); schema: the JSON Schema of that file',
  forms: [['print'], ['schema']],
  json: true,
  async run ({ flags, json, words: [, action] }, { env, stdout }) {
    if (action === 'schema') return printJson(configSchema(), stdout)
    const loaded = await loadConfig(flags, env)
    const effective = await effectiveSettings(flags, env)
    if (json) return printJson(contentOf(effective), stdout)
    stdout.write(await yamlOf(effective, loaded))
    return EXIT.ok
  }
}

function printJson (value: unknown, stdout: Writable): number {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  return EXIT.ok
}

function contentOf ({ program, listeners }: EffectiveSettings): Record<string, unknown> {
  const object = (entries: readonly EffectiveSetting[]) => Object.fromEntries(entries.map(({ key, value }) => [key, value]))
  return { ...object(program), [LISTENERS]: listeners.map(object) }
}

async function yamlOf (effective: EffectiveSettings, { maasUrl, keys, notices }: Config): Promise<string> {
  const { Document } = await import('yaml')
  const document = new Document(contentOf(effective))
  document.commentBefore = [
    'The settings in effect; behind each is where it came from.',
    `MAAS is at ${maasUrl.href}; the API key is from ${keys.map(({ name }) => name).join(' and ')}.`,
    ...notices
  ].map(line => ` ${line}`).join('\n')
  for (const entry of effective.program) comment(document, [entry.key], entry)
  for (const [i, entries] of effective.listeners.entries()) for (const entry of entries) comment(document, [LISTENERS, i, entry.key], entry)
  return document.toString({ lineWidth: 0 })
}

function comment (document: Document, path: ReadonlyArray<string | number>, { source, secret }: EffectiveSetting): void {
  const node = document.getIn(path, true) as { comment?: string, flow?: boolean }
  node.flow = true // a list stays on the line that the comment ends
  node.comment = ` ${source}${secret ? '; to be written into a file of its own, named by api-key-file' : ''}`
}
