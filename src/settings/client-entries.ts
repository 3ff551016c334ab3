import { nearWord } from '../text/suggestion.ts'
import {
  type ClientRow, type ClientsInput, emptyRow, parseClientName, parseDigest, readTokenFile, type WrittenClient
} from './client-row.ts'
import type { ConfigDocument, EntryPath } from './config-document.ts'
import { type Entries, isObject, quoteKey, textsOf } from './config-entries.ts'
import { parseExpiry } from './expiry.ts'
import type { SettingsReport } from './report.ts'
import { parseKnownRule } from './rules.ts'
import { messageAt } from './place.ts'
import { parseSwitch } from './values.ts'

/** The key of the list of clients, in a configuration file and in each of its listeners. */
export const CLIENTS = 'clients'

/** A field of a client. */
interface Field {
  /** the placeholder of the value; null for a switch */
  value: string | null
  repeatable: boolean
  help: string
  /** Reads the field. @throws Error without the name of the field */
  read: (texts: readonly string[]) => Partial<ClientRow>
}

const one = (read: (text: string) => Partial<ClientRow>) => ([text = '']: readonly string[]) => read(text)

/** The fields of a client, in the order of the schema. */
export const CLIENT_FIELDS: Readonly<Record<string, Field>> = {
  name: {
    value: 'NAME',
    repeatable: false,
    help: 'the name in the log, and in the file of --client-token-file',
    read: one(text => ({ name: parseClientName(text) }))
  },
  'token-file': {
    value: 'FILE', repeatable: false, help: 'file that has its token, or sha256:HEX', read: one(readTokenFile)
  },
  'token-sha256': { value: 'HEX', repeatable: false, help: 'the SHA-256 of its token', read: one(parseDigest) },
  certificate: {
    value: 'NAME',
    repeatable: false,
    help: 'the name in its certificate, signed by a CA of --client-ca-file: URI, else DNS name, else common name',
    read: one(text => ({ certificate: parseClientName(text) }))
  },
  expires: {
    value: 'DATE',
    repeatable: false,
    help: 'its last day (UTC), or a time as 2026-12-31T18:00:00Z',
    read: one(text => ({ expires: parseExpiry(text) }))
  },
  'read-only': {
    value: null,
    repeatable: false,
    help: 'GET and HEAD only, without the reads that have an effect',
    read: one(text => ({ readOnly: parseSwitch(text) }))
  },
  allow: {
    value: 'RULE',
    repeatable: true,
    help: 'operations to allow, of those that the listener allows; all others are refused',
    read: texts => ({ allow: texts.map(parseKnownRule) })
  },
  deny: {
    value: 'RULE',
    repeatable: true,
    help: 'operations to refuse, even if they are allowed',
    read: texts => ({ deny: texts.map(parseKnownRule) })
  }
}

const FORM = 'write an entry for each client, as in clients: [{ name: ci, token-file: FILE, read-only: true }]'

/**
 * Reads a list of clients.
 * @param value what the file has there
 * @param at where it is in the file
 * @param source the list as messages call it
 * @param report receives the problems
 */
export function readClientEntries (
  value: unknown, document: Pick<ConfigDocument, 'placeOf'>, at: EntryPath, source: string, report: SettingsReport
): ClientsInput {
  const problemAt = (path: EntryPath, text: string) => {
    report.problem(messageAt(document.placeOf([...at, ...path]), text))
  }
  if (!Array.isArray(value) || value.length === 0) {
    problemAt([], `${source}: is not a list with an entry; ${FORM}`)
    return { rows: [], written: [], source }
  }
  const entries: Entries[] = value.map((entry: unknown, i) => {
    if (isObject(entry)) return entry
    problemAt([i], `${source}[${i}]: is not an object; ${FORM}`)
    return {}
  })
  const rows = entries.map((entry, i) => {
    const row = emptyRow('', `${source}[${i}]`, document.placeOf([...at, i]))
    const problem = (path: EntryPath, text: string) => { problemAt([i, ...path], `${row.source}${text}`) }
    for (const [key, texts] of Object.entries(entry)) Object.assign(row, readField(key, texts, problem))
    if ('token-file' in entry && 'token-sha256' in entry) {
      problem([], ': token-file and token-sha256: both are set; keep one')
    }
    if (!('name' in entry) && isObject(value[i])) problem([], ': has no name; write name: NAME')
    return row
  })
  return { rows, written: entries as WrittenClient[], source }
}

/** Reads a field of a client. @returns nothing, and reports a problem, if it is unknown or its value is wrong */
function readField (
  key: string, value: unknown, problem: (path: EntryPath, text: string) => void
): Partial<ClientRow> {
  const field = Object.hasOwn(CLIENT_FIELDS, key) ? CLIENT_FIELDS[key] : undefined
  const keys = Object.keys(CLIENT_FIELDS)
  const name = quoteKey(key)
  if (field === undefined) {
    const near = key === 'token' ? 'token-file' : nearWord(key, keys)
    const advice = near === null ? `the fields are ${keys.join(', ')}` : `did you mean ${near}?`
    problem([key], `.${name}: no such field of a client; ${advice}`)
    return {}
  }
  const texts = textsOf(value)?.filter(text => text.trim() !== '') ?? null
  if (texts === null || (texts.length > 1 && !field.repeatable)) {
    problem([key], `.${name}: takes ${field.repeatable ? 'a text or a list of texts' : 'one text or switch'}`)
  } else if (texts.length === 0) {
    problem([key], `.${name}: is empty; give it a value, or leave it out`)
  } else {
    try {
      return field.read(texts)
    } catch (error) {
      problem([key], `.${name}: ${(error as Error).message}`)
    }
  }
  return {}
}
