import { lastValue } from '../maas/query.ts'

/** The op of a form, null if it has none; or the fact that two parsers could disagree on it. */
type FormOp = { isCertain: true, op: string | null } | { isCertain: false }

/** A kind of body in which MAAS may look for an op on POST (Django's `request.POST`). */
export type FormKind = 'urlencoded' | 'multipart' | 'ambiguous'

const UNCERTAIN: FormOp = { isCertain: false }

/**
 * A multipart type with a boundary of RFC 2046 §5.1.1. A backslash is excluded because Django reads it as an escape.
 */
const BOUNDARY = new RegExp([
  /^multipart\/form-data;\s*(?:charset=utf-8;\s*)?boundary=/,
  /(?:"([\w'()+,./:=? -]{1,70})"|([\w'+./-]{1,70}))$/
].map(({ source }) => source).join(''))

/**
 * A name that no parser strips, unescapes or decodes. File names are ASCII, because Django drops a field that it cannot
 * decode.
 */
const PLAIN_PART = /^form-data; name="([\w.[\]-]+)"(; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*")?$/i

/** Maximum length of a part's head. Django ignores a part whose head is larger than 1,024 bytes. */
const MAX_PART_HEAD = 1000

/**
 * Finds the kind of form that a content type stands for.
 * @returns `ambiguous` if the type only resembles a form; null if MAAS takes no op from it
 */
export function formKind (contentType: string | undefined): FormKind | null {
  if (contentType === undefined || !/form/i.test(contentType)) return null
  const [type = ''] = contentType.split(';') // with case: Django's versions differ on a type in another one
  if (type.trim() === 'application/x-www-form-urlencoded') return 'urlencoded'
  return type.trim() === 'multipart/form-data' ? 'multipart' : 'ambiguous'
}

/**
 * Finds the op that MAAS will take from a form: the last field of that name.
 * @param body the whole body
 * @returns an uncertain op if two parsers could read the form in two ways
 */
export function findFormOp (kind: FormKind, contentType: string, body: Buffer): FormOp {
  if (kind === 'urlencoded') return { isCertain: true, op: lastValue(body.toString('latin1'), 'op') }
  const [, quoted, plain] = kind === 'multipart' ? BOUNDARY.exec(contentType) ?? [] : []
  const boundary = quoted ?? plain
  return boundary === undefined ? UNCERTAIN : findMultipartOp(body.toString('latin1'), `--${boundary}`)
}

/**
 * Reads a multipart form as common clients write it (RFC 7578). Django splits at the delimiter anywhere, even inside a
 * line (`multipartparser.py BoundaryIter`), so a delimiter that is not at the start of a line makes the form uncertain.
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
    if (field.isEncoded || field.isFile) return UNCERTAIN // Django decodes the value, and ignores a file
    op = field.value
  }
  return { isCertain: true, op }
}

interface Field {
  name: string
  value: string
  /** whether the part has a Content-Transfer-Encoding */
  isEncoded: boolean
  isFile: boolean
}

/** Reads one part; null if two parsers could read it differently. */
function readPart (part: string): Field | null {
  const headEnd = part.indexOf('\r\n\r\n')
  if (!part.startsWith('\r\n') || headEnd < 0 || headEnd > MAX_PART_HEAD) return null
  const lines = part.slice(2, headEnd).split('\r\n')
  if (!lines.every(line => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(line))) return null
  const valuesOf = (field: string) => lines
    .filter(line => line.toLowerCase().startsWith(`${field}: `))
    .map(line => line.slice(field.length + 2))
  const dispositions = valuesOf('content-disposition')
  const [, name, fileName] = PLAIN_PART.exec(dispositions.join()) ?? []
  if (name === undefined || dispositions.length > 1) return null
  return {
    name,
    value: part.slice(headEnd + 4),
    isEncoded: valuesOf('content-transfer-encoding').length > 0,
    isFile: fileName !== undefined
  }
}
