import { apiException, invalidForm, notFound, rc } from '../answers.ts'
import type { Tag } from '../model.ts'
import { quote } from '../python.ts'
import type { Json } from '../python.ts'
import { formFields, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { checkTagName } from './checks.ts'
import { showMachine, visibleMachines } from './machine-view.ts'

/** `tags/` */
export const tags: Resource = {
  template: 'tags/',
  anon: null,
  auth: {
    name: 'TagsHandler',
    doc: 'Manage all tags known to MAAS.',
    operations: {
      GET: operation('List tags.', call => [...call.store.tags.values()].map(show)),
      POST: operation('Create a new tag.', create)
    }
  }
}

/** `tags/{name}/` */
export const tag: Resource = {
  template: 'tags/{name}/',
  anon: null,
  auth: {
    name: 'TagHandler',
    doc: 'Manage a tag.',
    operations: {
      GET: operation('Read a tag.', call => show(find(call))),
      'GET machines': operation('List the machines with this tag.', listTaggedMachines),
      'GET nodes': operation('List the nodes with this tag.', listTaggedMachines),
      'GET devices': operation('List the devices with this tag.', listNothing),
      'GET rack_controllers': operation('List the rack controllers with this tag.', listNothing),
      'GET region_controllers': operation('List the region controllers with this tag.', listNothing),
      'POST rebuild': operation('Look for the machines again that fit the definition.', rebuild),
      'POST update_nodes': operation('Add the tag to machines, and remove it from others.', updateNodes),
      PUT: operation('Update a tag.', update),
      DELETE: operation('Delete a tag.', remove)
    }
  }
}

function create (call: Call): Json {
  requireAdmin(call)
  const { store } = call
  const data = formFields(call)
  const name = data.get('name')
  if (!name) throw invalidForm({ name: 'This field is required.' })
  checkTagName(name)
  if (store.tags.has(name)) throw invalidForm({ name: 'Tag with this Name already exists.' })
  const created: Tag = {
    name,
    definition: data.get('definition') ?? '',
    comment: data.get('comment') ?? '',
    kernelOptions: data.get('kernel_opts') ?? ''
  }
  store.tags.set(name, created)
  return show(created)
}

function update (call: Call): Json {
  requireAdmin(call)
  const { store } = call
  const found = find(call)
  const data = formFields(call)
  const name = checkTagName(data.get('name') || found.name)
  store.tags.delete(found.name)
  found.name = name
  found.comment = data.get('comment') ?? found.comment
  found.definition = data.get('definition') ?? found.definition
  found.kernelOptions = data.get('kernel_opts') ?? found.kernelOptions
  store.tags.set(found.name, found)
  return show(found)
}

function remove (call: Call) {
  requireAdmin(call)
  call.store.tags.delete(find(call).name)
  return rc.deleted
}

function listTaggedMachines (call: Call): Json {
  const { name } = find(call)
  return visibleMachines(call).filter(machine => machine.tags.includes(name)).map(machine => showMachine(machine, call))
}

/** There are no other nodes than machines. */
function listNothing (call: Call): Json {
  find(call)
  return []
}

function rebuild (call: Call): Json {
  requireAdmin(call)
  return { rebuilding: find(call).name }
}

function updateNodes (call: Call): Json {
  requireAdmin(call)
  const { name } = find(call)
  const named = (field: string) => {
    const ids = call.form.getlist(field)
    return visibleMachines(call).filter(({ systemId }) => ids.includes(systemId))
  }
  const [added, removed] = [named('add'), named('remove')]
  for (const machine of added) machine.tags = [...new Set([...machine.tags, name])]
  for (const machine of removed) machine.tags = machine.tags.filter(tag => tag !== name)
  return { added: added.length, removed: removed.length }
}

function find ({ store, args }: Call): Tag {
  const found = store.tags.get(args[0] as string)
  if (found === undefined) throw notFound('Tag')
  return found
}

function requireAdmin ({ user }: Call): void {
  if (!user.superuser) throw apiException(403, '')
}

function show (tag: Tag): Json {
  return {
    name: tag.name,
    definition: tag.definition,
    comment: tag.comment,
    kernel_opts: tag.kernelOptions,
    resource_uri: `/MAAS/api/2.0/tags/${quote(tag.name)}/`
  }
}
