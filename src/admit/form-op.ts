import { lastOp } from '../maas/operations.ts'
import { parseQuery } from '../maas/query.ts'

/** What a form says of the op: its name, null where there is none, or that it cannot be told for certain. */
export type FormOp = { certain: true, op: string | null } | { certain: false }

/** The kinds of body in which MAAS looks for an op on POST (Django's `request.POST`). */
export type FormKind = 'urlencoded' | 'multipart' | 'odd'

const UNCERTAIN: FormOp = { certain: false }
const CHARSET = /;\s*charset\s*=\s*"?([^";]*)"?/i
const BOUNDARY = /^multipart\/form-data;\s*boundary=(?:"([^"]+)"|([^\s;,"]+))$/i
const PLAIN_PART = /^form-data; name="([^"\\\r\n]*)"(?:; filename="[^"\r\n]*")?$/i

/** What kind of form a content type announces; null for what MAAS takes no op from. One that only resembles a form is odd. */
export function formKind (contentType: string | undefined): FormKind | null {
  if (contentType === undefined || !/form/i.test(contentType)) return null
  const [type = ''] = contentType.toLowerCase().split(';')
  const [, charset] = CHARSET.exec(contentType) ?? []
  if (charset !== undefined && !/^(?:utf-8|us-ascii|iso-8859-1)$/i.test(charset)) return 'odd' // Django decodes names by it
  if (type.trim() === 'application/x-www-form-urlencoded') return 'urlencoded'
  return type.trim() === 'multipart/form-data' ? 'multipart' : 'odd'
}

/**
 * Finds the op that MAAS will take from a form: the last field of that name. What two parsers could read in two ways is not
 * guessed at but uncertain.
 * @param body the whole body
 */
export function findFormOp (kind: FormKind, contentType: string, body: Buffer): FormOp {
  if (kind === 'urlencoded') return { certain: true, op: lastOp(parseQuery(body.toString('latin1'))) }
  const [, quoted, plain] = kind === 'multipart' ? BOUNDARY.exec(contentType) ?? [] : []
  const boundary = quoted ?? plain
  return boundary === undefined ? UNCERTAIN : findMultipartOp(body.toString('latin1'), `--${boundary}`)
}

/**
 * Reads a multipart form of the plain shape that clients send (RFC 7578). Django cuts at the delimiter wherever it stands
 * (`multipartparser.py BoundaryIter`), so one anywhere but at the start of a line makes the whole uncertain.
 */
function findMultipartOp (text: string, delimiter: string): FormOp {
  const parts = `\r\n${text}`.split(`\r\n${delimiter}`)
  const [preamble, ...rest] = parts
  const end = String(rest.pop())
  if (preamble !== '' || !/^--(?:\r\n)?$/.test(end) || text.split(delimiter).length !== parts.length) return UNCERTAIN
  let op: string | null = null
  for (const part of rest) {
    const field = readPart(part)
    if (field === null) return UNCERTAIN
    if (field.name === 'op') {
      if (field.encoded) return UNCERTAIN
      op = field.value
    }
  }
  return { certain: true, op }
}

function readPart (part: string): { name: string, value: string, encoded: boolean } | null {
  const headEnd = part.indexOf('\r\n\r\n')
  if (!part.startsWith('\r\n') || headEnd < 0) return null
  const lines = part.slice(2, headEnd).split('\r\n')
  if (!lines.every(line => /^[A-Za-z-]+: /.test(line))) return null
  const valuesOf = (field: string) => lines.filter(line => line.toLowerCase().startsWith(`${field}: `)).map(line => line.slice(field.length + 2))
  const dispositions = valuesOf('content-disposition')
  const [, name] = PLAIN_PART.exec(dispositions.join()) ?? []
  if (name === undefined || dispositions.length > 1) return null
  return { name, value: part.slice(headEnd + 4), encoded: valuesOf('content-transfer-encoding').length > 0 }
}
