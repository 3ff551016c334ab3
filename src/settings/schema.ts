import { CLIENT_FIELDS, CLIENTS } from './client-entries.ts'
import { LISTENERS, NAMES_BY_KEY } from './config-file.ts'
import { isListenerSetting } from './listener-settings.ts'
import type { Setting } from './setting.ts'
import { SETTINGS, type SettingName } from './table.ts'

type Schema = Readonly<Record<string, unknown>>

/** Placeholders of values that YAML reads as numbers unless they are in quotes: 5241, 0660. */
const MAY_BE_NUMBER: ReadonlySet<string | null> = new Set(['ADDRESS', 'MODE', 'GROUP', 'N'])

const LISTENERS_HELP =
  'an entry for each listener; a setting of a listener that stands outside holds for all that do not have it themselves'

const CLIENTS_HELP =
  'an entry for each client; then every request needs a client, whose rules narrow those of the listener'

/**
 * Makes the JSON Schema (draft 2020-12) of a configuration file from the table of settings. The schema checks keys and
 * types; only the program checks the texts.
 */
export function configSchema (): Schema {
  const all = [...NAMES_BY_KEY]
  const ofListener = all.filter(([, name]) => isListenerSetting(name))
  const keysOfListener = [...ofListener.map(([key]) => key), CLIENTS]
  const reference = (key: string) => ({ $ref: `#/$defs/${key}` })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration file of maas-auth-proxy',
    type: 'object',
    properties: {
      ...Object.fromEntries(all.map(([key, name]) => [key, isListenerSetting(name) ? reference(key) : schemaOf(name)])),
      [CLIENTS]: reference(CLIENTS),
      [LISTENERS]: {
        description: LISTENERS_HELP,
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: Object.fromEntries(keysOfListener.map(key => [key, reference(key)])),
          additionalProperties: false
        }
      }
    },
    required: [LISTENERS],
    additionalProperties: false,
    $defs: { ...Object.fromEntries(ofListener.map(([key, name]) => [key, schemaOf(name)])), [CLIENTS]: clientsSchema() }
  }
}

function clientsSchema (): Schema {
  const fields = Object.entries(CLIENT_FIELDS).map(([key, field]) => [key, describedSchema(field)])
  const properties = Object.fromEntries(fields) as Schema
  const items = { type: 'object', properties, required: ['name'], additionalProperties: false }
  return { description: CLIENTS_HELP, type: 'array', minItems: 1, items }
}

function schemaOf (name: SettingName): Schema {
  return describedSchema(SETTINGS[name])
}

/** What the schema of a value depends on. */
type Described = Pick<Setting<unknown>, 'help' | 'repeatable' | 'value' | 'words'>

function describedSchema (setting: Described): Schema {
  const one = valueSchema(setting)
  if (!setting.repeatable) return { description: setting.help, ...one }
  return { description: setting.help, anyOf: [one, { type: 'array', items: one, minItems: 1 }] }
}

function valueSchema ({ value, words }: Pick<Described, 'value' | 'words'>): Schema {
  if (value === null) return { type: 'boolean' }
  if (words !== undefined) return { enum: words }
  return { type: MAY_BE_NUMBER.has(value) ? ['string', 'integer'] : 'string' }
}
