import { randomUUID } from 'node:crypto'

import { apiException, html, notFound, rc } from '../answers.ts'
import type { StoredFile } from '../model.ts'
import { quote } from '../python.ts'
import { mandatoryParameter, operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'

/** Answers everyone alike: the key is the permission (rows "op=get_by_key ..."). */
const getByKey: Operation = operation('Get a file by its key.', ({ store, query }) => {
  const key = mandatoryParameter(query, 'key')
  const found = store.files.find(file => file.key === key)
  if (found === undefined) throw notFound('FileStorage')
  return html(200, found.content)
})

/** `files/` */
export const files: Resource = {
  template: 'files/',
  anon: {
    name: 'AnonFilesHandler',
    doc: 'Anonymous file operations.',
    operations: { 'GET get_by_key': getByKey }
  },
  auth: {
    name: 'FilesHandler',
    doc: 'Manage the collection of all the files in this MAAS.',
    operations: {
      GET: operation('List the files of the user.', list),
      'GET get': operation('Get a file by its name.', getByName),
      'GET get_by_key': getByKey,
      POST: operation('Upload a file.', create),
      DELETE: operation('Delete a file.', call => remove(call, mandatoryParameter(call.query, 'filename')))
    }
  }
}

/** `files/{filename}/`, whose name may contain slashes (rows "file name with %2F in the path"). */
export const file: Resource = {
  template: 'files/{filename}/',
  anon: null,
  auth: {
    name: 'FileHandler',
    doc: 'Manage a file.',
    operations: {
      GET: operation('Read a file with its content.', read),
      DELETE: operation('Delete a file.', call => remove(call, call.args[0] as string))
    }
  }
}

function list ({ store, user, query }: Call) {
  const prefix = query.get('prefix') ?? ''
  return store.files.filter(file => file.owner === user && file.filename.startsWith(prefix))
    .sort((a, b) => a.filename < b.filename ? -1 : 1)
    .map(({ filename, key }) => ({ filename, anon_resource_uri: anonymousUri(key), resource_uri: uri(filename) }))
}

function getByName ({ store, user, query }: Call) {
  const found = find({ store, user }, mandatoryParameter(query, 'filename'))
  if (found === undefined) throw apiException(404, 'File not found')
  return html(200, found.content)
}

/** Stores a file (maasserver/api/files.py, create). A known name gets the new content and keeps its key. */
function create ({ store, user, data, files }: Call) {
  const filename = data.get('filename')
  if (!filename) throw apiException(400, 'Filename not supplied')
  const [upload] = files
  if (upload === undefined) throw apiException(400, 'File not supplied')
  if (files.length > 1) throw apiException(400, 'Exactly one file must be supplied')
  if (upload.name !== 'file') throw new Error("'file'")
  const known = find({ store, user }, filename)
  if (known === undefined) store.files.push({ filename, owner: user, key: randomUUID(), content: upload.content })
  else known.content = upload.content
  return html(201, '')
}

function read (call: Call) {
  const found = find(call, call.args[0] as string)
  // By this field clients distinguish a missing file from a missing endpoint.
  if (found === undefined) return html(404, 'Not Found', { Workaround: 'bug1123986' })
  const { filename, key, content } = found
  return {
    filename,
    anon_resource_uri: anonymousUri(key),
    content: content.toString('base64'),
    resource_uri: uri(filename)
  }
}

/** Deletes a file (rows "DELETE files/obs.bin" and "DELETE again"). */
function remove (call: Call, filename: string) {
  const found = find(call, filename)
  if (found === undefined) throw notFound('FileStorage')
  call.store.files.splice(call.store.files.indexOf(found), 1)
  return rc.deleted
}

function find ({ store, user }: Pick<Call, 'store' | 'user'>, filename: string): StoredFile | undefined {
  return store.files.find(file => file.filename === filename && file.owner === user)
}

function anonymousUri (key: string): string {
  return `/MAAS/api/2.0/files/?op=get_by_key&key=${key}`
}

function uri (filename: string): string {
  return `/MAAS/api/2.0/files/${quote(filename)}/`
}
