import { lastOp } from '../maas/operations.ts'
import { parseQuery } from '../maas/query.ts'

/** What a form says of the op: its name, null where there is none, or that it cannot be told for certain. */
export type FormOp = { certain: true, op: string | null } | { certain: false }

/** The kinds of body in which MAAS looks for an op on POST (Django's `request.POST`). */
export type FormKind = 'urlencoded' | 'multipart' | 'ambiguous'

const UNCERTAIN: FormOp = { certain: false }
/** Without a backslash, which Django takes for an escape; the characters and the length of RFC 2046 §5.1.1. */
const BOUNDARY = /^multipart\/form-data;\s*(?:charset=utf-8;\s*)?boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+./-]{1,70}))$/

/** Names without anything that is stripped, escaped or decoded; a file name in ASCII, since Django leaves out a field it cannot decode. */
const PLAIN_PART = /^form-data; name="([\w.[\]-]+)"(; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*")?$/i

/** Django ignores a part whose head is larger than 1,024 bytes. */
const MAX_PART_HEAD = 1000

/** What kind of form a content type announces; null for what MAAS takes no op from. One that only resembles a form is ambiguous. */
export function formKind (contentType: string | undefined): FormKind | null {
  if (contentType === undefined || !/form/i.test(contentType)) return null
  const [type = ''] = contentType.split(';') // as it is written: whether another case is a form depends on Django's version
  if (type.trim() === 'application/x-www-form-urlencoded') return 'urlencoded'
  return type.trim() === 'multipart/form-data' ? 'multipart' : 'ambiguous'
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
    if (field.name !== 'op') continue
    if (field.encoded || field.isFile) return UNCERTAIN // a file is no field for Django, and an encoded value another one
    op = field.value
  }
  return { certain: true, op }
}

function readPart (part: string): { name: string, value: string, encoded: boolean, isFile: boolean } | null {
  const headEnd = part.indexOf('\r\n\r\n')
  if (!part.startsWith('\r\n') || headEnd < 0 || headEnd > MAX_PART_HEAD) return null
  const lines = part.slice(2, headEnd).split('\r\n')
  if (!lines.every(line => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(line))) return null
  const valuesOf = (field: string) => lines.filter(line => line.toLowerCase().startsWith(`${field}: `)).map(line => line.slice(field.length + 2))
  const dispositions = valuesOf('content-disposition')
  const [, name, fileName] = PLAIN_PART.exec(dispositions.join()) ?? []
  if (name === undefined || dispositions.length > 1) return null
  return { name, value: part.slice(headEnd + 4), encoded: valuesOf('content-transfer-encoding').length > 0, isFile: fileName !== undefined }
}
