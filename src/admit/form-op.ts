import { type FormOp, type FormOpReader, UNCERTAIN } from './form-op-reader.ts'
import { MultipartOp } from './multipart-op.ts'
import { UrlencodedOp } from './urlencoded-op.ts'

/** A kind of body in which MAAS may look for an op on POST (Django's `request.POST`). */
export type FormKind = 'urlencoded' | 'multipart' | 'ambiguous'

/**
 * A multipart type with a boundary of RFC 2046 §5.1.1. A backslash is excluded because Django reads it as an escape.
 */
const BOUNDARY = new RegExp([
  /^multipart\/form-data;\s*(?:charset=utf-8;\s*)?boundary=/,
  /(?:"([\w'()+,./:=? -]{1,70})"|([\w'+./-]{1,70}))$/
].map(({ source }) => source).join(''))

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

/** Creates the reader of a form. @returns null if two parsers could read a form of this type in two ways */
export function formOpReader (kind: FormKind, contentType: string): FormOpReader | null {
  if (kind === 'urlencoded') return new UrlencodedOp()
  const [, quoted, plain] = kind === 'multipart' ? BOUNDARY.exec(contentType) ?? [] : []
  const boundary = quoted ?? plain
  return boundary === undefined ? null : new MultipartOp(boundary)
}

/**
 * Finds the op that MAAS will take from a form.
 * @param body the whole body
 * @returns an uncertain op if two parsers could read the form in two ways
 */
export function findFormOp (kind: FormKind, contentType: string, body: Buffer): FormOp {
  const reader = formOpReader(kind, contentType)
  reader?.write(body)
  return reader?.end() ?? UNCERTAIN
}
