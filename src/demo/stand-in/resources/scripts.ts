import { html, invalidForm, notFound, rc } from '../answers.ts'
import type { Script } from '../model.ts'
import type { Json } from '../python.ts'
import { adminOnly, formFields, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'

/** `scripts/` */
export const scripts: Resource = {
  template: 'scripts/',
  anon: null,
  auth: {
    name: 'NodeScriptsHandler',
    doc: 'Manage custom scripts.',
    operations: {
      GET: operation('List the scripts.', call => call.store.scripts.map(show)),
      POST: adminOnly('Create a script, of the field or file `script`.', create)
    }
  }
}

/** `scripts/{name}`, without a slash at the end. */
export const script: Resource = {
  template: 'scripts/{name}',
  anon: null,
  auth: {
    name: 'NodeScriptHandler',
    doc: 'Manage a script.',
    operations: {
      GET: operation('Read a script.', call => show(find(call))),
      'GET download': operation('Download a script.', call => html(200, find(call).content)),
      PUT: adminOnly('Update a script.', call => {
        const found = find(call)
        const content = contentOf(call)
        found.title = formFields(call).get('title') ?? found.title
        found.content = content ?? found.content
        return show(found)
      }),
      DELETE: adminOnly('Delete a script.', call => {
        call.store.scripts.splice(call.store.scripts.indexOf(find(call)), 1)
        return rc.deleted
      })
    }
  }
}

/** The numbers of MAAS for the types of scripts (metadataserver/enum.py, SCRIPT_TYPE). */
const TYPES: Readonly<Record<string, number>> = { commissioning: 0, testing: 2 }

function create (call: Call): Json {
  const { store } = call
  const data = formFields(call)
  const content = contentOf(call)
  const name = data.get('name')
  if (!name) throw invalidForm({ name: 'This field is required.' })
  if (content === undefined) throw invalidForm({ script: 'This field is required.' })
  if (store.scripts.some(other => other.name === name)) {
    throw invalidForm({ name: 'Script with this Name already exists.' })
  }
  const created = {
    id: 1 + Math.max(0, ...store.scripts.map(({ id }) => id)),
    name,
    title: data.get('title') ?? '',
    type: TYPES[data.get('type') ?? 'testing'] ?? 2,
    tags: (data.get('tags') ?? '').split(',').map(tag => tag.trim()).filter(tag => tag !== ''),
    content
  }
  store.scripts.push(created)
  return show(created)
}

function contentOf ({ files, data }: Call): string | undefined {
  return files.find(({ name }) => name === 'script')?.content.toString() ?? data.get('script')
}

function find ({ store, args: [name] }: Call): Script {
  const found = store.scripts.find(script => script.name === name || String(script.id) === name)
  if (found === undefined) throw notFound('Script')
  return found
}

function show ({ id, name, title, type, tags }: Script): Json {
  const isTesting = type === TYPES['testing']
  return {
    id,
    name,
    title,
    description: '',
    tags,
    type,
    type_name: isTesting ? 'Testing script' : 'Commissioning script',
    hardware_type: 0,
    hardware_type_name: 'Node',
    parallel: 0,
    parallel_name: 'Disabled',
    results: {},
    parameters: {},
    packages: {},
    timeout: '00:00:00',
    destructive: false,
    may_reboot: false,
    recommission: false,
    apply_configured_networking: false,
    for_hardware: [],
    default: false,
    resource_uri: `/MAAS/api/2.0/scripts/${name}`
  }
}
