import { LISTENERS, NAMES_BY_KEY } from './config-file.ts'
import { isListenerSetting } from './listener-settings.ts'
import { SETTINGS, type Setting, type SettingName } from './table.ts'

type Schema = Readonly<Record<string, unknown>>

/** Values of which YAML makes numbers where they are not in quotes: 5241, 0660. */
const LIKE_NUMBERS: ReadonlySet<string | null> = new Set(['ADDRESS', 'MODE', 'GROUP'])

/** The JSON Schema (draft 2020-12) of a configuration file, made from the table of settings; what its texts mean is for the program to check. */
export function configSchema (): Schema {
  const all = [...NAMES_BY_KEY]
  const own = all.filter(([, name]) => isListenerSetting(name))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration file of maas-auth-proxy',
    type: 'object',
    properties: {
      ...Object.fromEntries(all.map(([key, name]) => [key, isListenerSetting(name) ? { $ref: `#/$defs/${key}` } : schemaOf(name)])),
      [LISTENERS]: {
        description: 'an entry for each listener; a setting of a listener that stands outside holds for all that do not have it themselves',
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties: Object.fromEntries(own.map(([key]) => [key, { $ref: `#/$defs/${key}` }])), additionalProperties: false }
      }
    },
    required: [LISTENERS],
    additionalProperties: false,
    $defs: Object.fromEntries(own.map(([key, name]) => [key, schemaOf(name)]))
  }
}

function schemaOf (name: SettingName): Schema {
  const setting: Setting<unknown> = SETTINGS[name]
  const one = valueSchema(setting)
  return { description: setting.help, ...setting.repeatable ? { anyOf: [one, { type: 'array', items: one, minItems: 1 }] } : one }
}

function valueSchema ({ value, words }: Setting<unknown>): Schema {
  if (value === null) return { type: 'boolean' }
  if (words !== undefined) return { enum: words }
  return { type: LIKE_NUMBERS.has(value) ? ['string', 'integer'] : 'string' }
}
