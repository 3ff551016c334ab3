import { Busboy } from '@fastify/busboy'
import { parse } from 'yaml'

import { jsonFields, parseQuery, QueryDict, withoutFields } from './fields.ts'
import type { Fields } from './fields.ts'
import { typeName } from './python.ts'
import type { Json } from './python.ts'

/** One file of a multipart body. */
export interface Upload { name: string, content: Buffer }

/** A form body as Django parses it: `request.POST` and `request.FILES`. */
export interface Form { form: QueryDict, files: Upload[] }

/** Parses a body as Django does: the two form types only. Others have no fields here; piston loads them. */
export async function parseForm (contentType: string, body: Buffer): Promise<Form> {
  if (/^\s*application\/x-www-form-urlencoded/i.test(contentType)) {
    return { form: parseQuery(body.toString('utf8')), files: [] }
  }
  if (/^\s*multipart\/form-data/i.test(contentType)) return await parseMultipart(contentType, body)
  return { form: new QueryDict([]), files: [] }
}

/**
 * Returns what piston puts into `request.data` (piston3/utils.py, translate_mime). A JSON body is not a form, so an
 * `op` or `oauth_*` in it is plain data (row "POST JSON body with oauth_signature").
 * @returns null if the body of a JSON type is not JSON
 */
export function loadData (contentType: string, form: QueryDict, body: Buffer): Fields | null {
  if (contentType === '' || /application\/x-www-form-urlencoded|multipart\//i.test(contentType)) return form
  const load = loaderOf(contentType)
  // piston has no loader for other types: request.data is None.
  if (load === undefined) return withoutFields('NoneType')
  try {
    const value = load(body.toString('utf8'))
    const isDict = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isDict ? jsonFields(value) : withoutFields(typeName(value))
  } catch {
    return null
  }
}

/** Returns piston's loader for a type (piston3/emitters.py, Mimer). */
function loaderOf (contentType: string): ((text: string) => Json) | undefined {
  if (contentType.startsWith('application/json')) return text => JSON.parse(text) as Json
  if (contentType.startsWith('application/x-yaml')) return text => parse(text) as Json
  return undefined
}

/** Whether Twisted refuses a body before Django sees it (twisted/web/http.py, Request.requestReceived). */
export function isBrokenMultipart (method: string, contentType: string): boolean {
  return method === 'POST' && /^\s*multipart\/form-data/i.test(contentType) && !/;\s*boundary=\S/i.test(contentType)
}

/** Lifts the parser's own limits, because nginx has already limited the whole body. */
const limits = { fieldSize: Infinity, fieldNameSize: Infinity }

async function parseMultipart (contentType: string, body: Buffer): Promise<Form> {
  const pairs: Array<[string, string]> = []
  const files: Upload[] = []
  const parser = openParser(contentType)
  await new Promise<void>(resolve => {
    // Django ignores a part without a name.
    parser.on('field', (name: string | undefined, value, _nameCut, _valueCut, encoding) => {
      if (name !== undefined) pairs.push([name, decode(Buffer.from(value), encoding).toString()])
    })
    parser.on('file', (name: string | undefined, stream, _fileName, encoding) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      stream.on('end', () => {
        if (name !== undefined) files.push({ name, content: decode(Buffer.concat(chunks), encoding) })
      })
      stream.on('error', () => resolve())
    })
    parser.on('finish', () => resolve())
    // Django keeps the complete parts of a truncated body.
    parser.on('error', () => resolve())
    parser.end(body)
  })
  return { form: new QueryDict(pairs), files }
}

/** Decodes base64 as Django does (http/multipartparser.py): the `maas` CLI and python-libmaas send every part so. */
function decode (content: Buffer, encoding: string): Buffer {
  return encoding === 'base64' ? Buffer.from(content.toString('latin1'), 'base64') : content
}

function openParser (contentType: string) {
  try {
    const isPartAFile = (_name: string | undefined, _type: string | undefined, fileName: string | undefined) => (
      fileName !== undefined
    )
    return new Busboy({ headers: { 'content-type': contentType }, limits, isPartAFile })
  } catch {
    throw new Error('Invalid boundary in multipart: None')
  }
}
