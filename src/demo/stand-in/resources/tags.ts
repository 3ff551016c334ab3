import { apiException, invalidForm, notFound, rc } from '../answers.ts'
import type { Tag } from '../model.ts'
import { quote } from '../python.ts'
import type { Json } from '../python.ts'
import { operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
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
      PUT: operation('Update a tag.', update),
      DELETE: operation('Delete a tag.', remove)
    }
  }
}

function create (call: Call): Json {
  requireAdmin(call)
  const { store, data } = call
  const name = data.get('name')
  if (!name) throw invalidForm({ name: 'This field is required.' })
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
  const { store, data } = call
  const found = find(call)
  store.tags.delete(found.name)
  found.name = data.get('name') ?? found.name
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
  return visibleMachines(call).filter(machine => machine.tags.includes(name)).map(showMachine)
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
