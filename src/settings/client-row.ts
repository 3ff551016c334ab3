import { hash } from 'node:crypto'
import type { Rule } from '../policy/rule.ts'
import type { Place } from './place.ts'
import { isReadableByAll, isWritableByOthers, quote, readSettingFile } from './values.ts'

/** A client as a file describes it. */
export interface ClientRow {
  name: string
  /** the SHA-256 of its token, in hexadecimal digits; null if the row has no token */
  digest: string | null
  /** whether the token is so short that it may be guessed; false if only its digest is known */
  isShort: boolean
  /** the name in its certificate; null if the row has none */
  certificate: string | null
  readOnly: boolean
  allow: readonly Rule[]
  deny: readonly Rule[]
  /** null if its access does not end */
  expires: Date | null
  /** the row as messages call it: `clients[1]`, or the file of tokens and the line */
  source: string
  /** the place in a configuration file */
  place: Place | undefined
}

/** A client as it is written: one text or several by key. */
export type WrittenClient = Readonly<Record<string, string | readonly string[]>>

/** The list of clients of a configuration file, or of one of its listeners. */
export interface ClientsInput {
  rows: readonly ClientRow[]
  /** the clients as they are written, without tokens */
  written: readonly WrittenClient[]
  /** the list as messages call it: `listeners[0].clients` */
  source: string
}

/** A row without any field but its name. */
export function emptyRow (name: string, source: string, place?: Place): ClientRow {
  const rules = { readOnly: false, allow: [], deny: [], expires: null }
  return { name, digest: null, isShort: false, certificate: null, ...rules, source, place }
}

/** The parts of a client's row that come from its token. */
export type RowToken = Pick<ClientRow, 'digest' | 'isShort'>

/** The length from which a token of random letters and digits cannot be guessed. */
export const MIN_TOKEN_LENGTH = 16

const DIGEST_PREFIX = 'sha256:'

/** Parses the name of a client: as of a token, of a certificate or of a workload. @throws Error if it is none */
export function parseClientName (text: string): string {
  if (isClientName(text)) return text
  throw new Error('is not a name; write letters, digits and . _ - @ : /, at most 250 of them')
}

/** Whether a text is a name of a client. */
export function isClientName (text: string): boolean {
  return /^[\w.@:/-]{1,250}$/.test(text)
}

/** Whether a text is the name of a workload in Kubernetes: of its ServiceAccount. */
export function isWorkloadName (text: string): boolean {
  return isClientName(text) && /^system:serviceaccount:[^:]+:[^:]+$/.test(text)
}

/** Parses a token, or the digest of one as `sha256:HEX`. @returns null if it is neither */
export function parseToken (text: string): RowToken | null {
  if (!/^[\x21-\x7e]+$/.test(text)) return null
  if (!text.startsWith(DIGEST_PREFIX)) return { digest: digestOf(text), isShort: text.length < MIN_TOKEN_LENGTH }
  const hex = text.slice(DIGEST_PREFIX.length)
  return isDigest(hex) ? { digest: hex.toLowerCase(), isShort: false } : null
}

/** Parses the SHA-256 of a token. @throws Error that does not repeat it */
export function parseDigest (text: string): RowToken {
  if (isDigest(text)) return { digest: text.toLowerCase(), isShort: false }
  throw new Error('is not a SHA-256: 64 hexadecimal digits; printf %s TOKEN | sha256sum makes it')
}

/** Reads a file that has one token, or `sha256:HEX`. @throws Error that names the file and does not repeat the token */
export function readTokenFile (path: string): RowToken {
  const token = parseToken(readClientFile(path).trim())
  if (token === null) throw new Error(`${quote(path)}: is not one token of printable characters`)
  return token
}

/** Reads a file that says who clients are. @throws Error if other users may read it, or write themselves into it */
export function readClientFile (path: string): string {
  const text = readSettingFile(path)
  if (isReadableByAll(path)) throw new Error(`${quote(path)}: every user of this machine may read it; chmod 600 it`)
  if (isWritableByOthers(path)) {
    throw new Error(`${quote(path)}: other users may write it, and add themselves; chmod 600 it`)
  }
  return text
}

/** The SHA-256 of a token, in hexadecimal digits. */
export function digestOf (token: string): string {
  return hash('sha256', token)
}

/** The digest of a token as a file of tokens has it in place of the token. */
export function formatDigest (digest: string): string {
  return DIGEST_PREFIX + digest
}

function isDigest (text: string): boolean {
  return /^[\da-f]{64}$/i.test(text)
}
