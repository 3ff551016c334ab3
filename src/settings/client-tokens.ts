import { type ClientRow, emptyRow, isClientName, parseToken, readClientFile } from './client-row.ts'
import { parseExpiry } from './expiry.ts'
import { parseKnownRule } from './rules.ts'
import { suggestion } from '../text/suggestion.ts'
import { quote } from './values.ts'

/** The content of a file of client tokens. */
export interface ClientTokenFile {
  file: string
  clients: readonly ClientRow[]
}

const LINE = /^(\S+)\s+(\S+)(?:\s+(.*))?$/
/** An option, or what may be meant as one. A rule has a space, so it stands in quotes. */
const OPTION = /([a-z][\w-]*)(?:=(?:"([^"]*)"|([^\s"]+)))?(?:\s+|$)/y
const OPTIONS = ['expires', 'read-only', 'allow', 'deny']
const FORM = 'NAME TOKEN, or NAME sha256:HEX, and then perhaps expires=2026-12-31, read-only, ' +
  'allow="METHOD PATH", deny="METHOD PATH"'

/**
 * Reads a file of client tokens, one client a line. Empty lines and lines that start with `#` are skipped.
 * @throws Error that names the line and never repeats a token
 */
export function readClientTokens (path: string): ClientTokenFile {
  const clients = readClientFile(path).split('\n').flatMap((line, i) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    const where = `${quote(path)}: line ${i + 1}`
    try {
      return [parseLine(text, `--client-token-file: ${where}`)]
    } catch (error) {
      throw new Error(`${where} ${(error as Error).message}`)
    }
  })
  if (clients.length > 0) return { file: path, clients }
  const remedy = 'write a line NAME TOKEN for each, maas-auth-proxy token NAME makes one'
  throw new Error(`${quote(path)}: has no client; ${remedy}`)
}

/** Parses a line. @throws Error that repeats nothing of it but an option that is known by its name */
function parseLine (text: string, source: string): ClientRow {
  const [, name = '', tokenText = '', options = ''] = LINE.exec(text) ?? []
  const token = parseToken(tokenText)
  if (token === null || !isClientName(name)) throw new Error(`is not ${FORM}`)
  const row = { ...emptyRow(name, source), ...token }
  for (let at = 0; at < options.length; at = OPTION.lastIndex) {
    OPTION.lastIndex = at
    const [match, option = '', quoted, bare] = OPTION.exec(options) ?? []
    if (match === undefined) throw new Error(`is not ${FORM}`)
    addOption(row, option, quoted ?? bare)
  }
  return row
}

/** Adds an option to a row. */
function addOption (row: ClientRow, option: string, value: string | undefined): void {
  const isSwitch = option === 'read-only'
  if (!OPTIONS.includes(option) || isSwitch !== (value === undefined)) {
    throw new Error(`is not ${FORM}${OPTIONS.includes(option) ? '' : suggestion(option, OPTIONS)}`)
  }
  if ((isSwitch && row.readOnly) || (option === 'expires' && row.expires !== null)) {
    throw new Error(`has ${option} twice; keep one`)
  }
  try {
    if (value === undefined) row.readOnly = true
    else if (option === 'expires') row.expires = parseExpiry(value)
    else if (option === 'allow') row.allow = [...row.allow, parseKnownRule(value)]
    else row.deny = [...row.deny, parseKnownRule(value)]
  } catch (error) {
    throw new Error(`has a wrong ${option}: ${(error as Error).message}`)
  }
}
