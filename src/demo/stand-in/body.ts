import { Busboy } from '@fastify/busboy'

import { jsonFields, parseQuery, QueryDict, withoutFields } from './fields.ts'
import type { Fields } from './fields.ts'
import { typeName } from './python.ts'
import type { Json } from './python.ts'

/** One file of a multipart body. */
export interface Upload { name: string, content: Buffer }

/** What Django makes of a body: `request.POST` and `request.FILES`. */
export interface Form { form: QueryDict, files: Upload[] }

/** The body as Django parses it, which it does for the two form types only; others are left to piston. */
export async function parseForm (contentType: string, body: Buffer): Promise<Form> {
  if (/^\s*application\/x-www-form-urlencoded/i.test(contentType)) return { form: parseQuery(body.toString('utf8')), files: [] }
  if (/^\s*multipart\/form-data/i.test(contentType)) return await parseMultipart(contentType, body)
  return { form: new QueryDict([]), files: [] }
}

/**
 * What piston puts into `request.data` (piston3/utils.py, translate_mime). What a JSON body says is no form, so that an
 * `op` or `oauth_*` in it is just data (row "POST JSON body with oauth_signature"). null: not JSON after all.
 */
export function loadData (contentType: string, form: QueryDict, body: Buffer): Fields | null {
  if (contentType === '' || /application\/x-www-form-urlencoded|multipart\//i.test(contentType)) return form
  // There is no loader for any other type, and request.data is None.
  if (!contentType.startsWith('application/json')) return withoutFields('NoneType')
  try {
    const value: Json = JSON.parse(body.toString('utf8'))
    const isDict = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isDict ? jsonFields(value) : withoutFields(typeName(value))
  } catch {
    return null
  }
}

/** Nothing in the body may be larger than the body, which nginx has bounded already: the parser's own limits are lifted. */
const limits = { fieldSize: Infinity, fieldNameSize: Infinity }

async function parseMultipart (contentType: string, body: Buffer): Promise<Form> {
  const pairs: Array<[string, string]> = []
  const files: Upload[] = []
  const parser = openParser(contentType)
  await new Promise<void>(resolve => {
    // Django passes over a part without a name.
    parser.on('field', (name: string | undefined, value, _nameCut, _valueCut, encoding) => { if (name !== undefined) pairs.push([name, decode(Buffer.from(value), encoding).toString()]) })
    parser.on('file', (name: string | undefined, stream, _fileName, encoding) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      stream.on('end', () => { if (name !== undefined) files.push({ name, content: decode(Buffer.concat(chunks), encoding) }) })
      stream.on('error', () => resolve())
    })
    parser.on('finish', () => resolve())
    // A body cut short: Django keeps the parts it has read whole, and so do we.
    parser.on('error', () => resolve())
    parser.end(body)
  })
  return { form: new QueryDict(pairs), files }
}

/** The `maas` CLI and python-libmaas send every part in base64, which Django undoes (http/multipartparser.py). */
function decode (content: Buffer, encoding: string): Buffer {
  return encoding === 'base64' ? Buffer.from(content.toString('latin1'), 'base64') : content
}

function openParser (contentType: string) {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits, isPartAFile: (_name, _type, fileName) => fileName !== undefined })
  } catch {
    throw new Error('Invalid boundary in multipart: None')
  }
}
