import { createHash } from 'node:crypto'

import { Answer, apiException, html, invalidForm, JSON_TYPE, notFound, rc } from '../answers.ts'
import type { BootResource } from '../model.ts'
import type { Json } from '../python.ts'
import { adminOnly, formFields, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'

/** `boot-resources/` */
export const bootResources: Resource = {
  template: 'boot-resources/',
  anon: null,
  auth: {
    name: 'BootResourcesHandler',
    doc: 'Manage the boot resources.',
    operations: {
      GET: operation('List boot resources.', call => call.store.bootResources.map(show)),
      'GET is_importing': operation('Is MAAS importing images?', () => false),
      POST: adminOnly('Upload an image: its file follows in chunks, to the upload_uri of the answer.', create)
    }
  }
}

/** `boot-resources/{id}/` */
export const bootResource: Resource = {
  template: 'boot-resources/{id}/',
  anon: null,
  auth: {
    name: 'BootResourceHandler',
    doc: 'Manage a boot resource.',
    operations: {
      GET: operation('Read a boot resource.', call => show(find(call))),
      DELETE: adminOnly('Delete a boot resource.', call => {
        call.store.bootResources.splice(call.store.bootResources.indexOf(find(call)), 1)
        return rc.deleted
      })
    }
  }
}

/** `boot-resources/{id}/upload/{file_id}/` */
export const bootResourceUpload: Resource = {
  template: 'boot-resources/{id}/upload/{file_id}/',
  anon: null,
  auth: {
    name: 'BootResourceFileUploadHandler',
    doc: 'Upload the file of a boot resource.',
    operations: { PUT: adminOnly('Append a chunk.', append) }
  }
}

function create (call: Call): Answer {
  const { store } = call
  const data = formFields(call)
  const required = ['name', 'architecture', 'sha256', 'size'].filter(name => !data.get(name))
  if (required.length > 0) {
    throw invalidForm(Object.fromEntries(required.map(name => [name, 'This field is required.'])))
  }
  const field = (name: string) => data.get(name) ?? ''
  const created = {
    id: 1 + Math.max(0, ...store.bootResources.map(({ id }) => id)),
    name: field('name'),
    architecture: field('architecture'),
    title: field('title'),
    sha256: field('sha256'),
    size: Number(field('size')),
    content: Buffer.alloc(0)
  }
  store.bootResources.push(created)
  return new Answer(201, JSON_TYPE, JSON.stringify(show(created), null, 4))
}

/** Appends a chunk; the last one has to make the file that was announced (maasserver/api/boot_resources.py). */
function append (call: Call): Answer {
  const found = find(call)
  if (found.content.length + call.body.length > found.size) throw apiException(400, 'Too much data received.')
  found.content = Buffer.concat([found.content, call.body])
  const isWrong = isComplete(found) && createHash('sha256').update(found.content).digest('hex') !== found.sha256
  if (isWrong) throw apiException(400, 'Saved content does not match given SHA256 value.')
  return html(200, '')
}

function find ({ store, args: [id] }: Call): BootResource {
  const found = store.bootResources.find(resource => String(resource.id) === id)
  if (found === undefined) throw notFound('BootResource')
  return found
}

function isComplete ({ content, size }: BootResource): boolean {
  return content.length === size
}

function show (resource: BootResource): Json {
  const { id, name, architecture, title, sha256, size, content } = resource
  const uri = `/MAAS/api/2.0/boot-resources/${id}/`
  const file = {
    filename: 'root.tgz',
    filetype: 'root-tgz',
    sha256,
    size,
    complete: isComplete(resource),
    ...isComplete(resource) ? {} : { progress: content.length / size, upload_uri: `${uri}upload/${id}/` }
  }
  const set = {
    version: '1', label: 'uploaded', size, complete: isComplete(resource), files: { [file.filename]: file }
  }
  return { id, type: 'Uploaded', name, architecture, title, resource_uri: uri, sets: { 1: set } }
}
