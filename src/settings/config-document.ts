import type { LineCounter, Node, Pair, Range, YAMLError } from 'yaml'
import type { Place } from './place.ts'
import { quote } from './values.ts'

/** The keys and indexes that lead to an entry of a file: `['listeners', 0, 'listen']`. */
export type EntryPath = ReadonlyArray<string | number>

/** A configuration file, parsed, that knows where its entries are. */
export interface ConfigDocument {
  content: unknown
  /** Finds the place of an entry's key, or of an element of a list. */
  placeOf: (path: EntryPath) => Place
}

/** What a file is, or what is wrong with it and where. */
export type Parsed = { document: ConfigDocument } | { problem: string, place: Place }

/** What the parser's errors mean, by their codes. Its own messages show a part of the text, which may be a secret. */
const SYNTAX_ERRORS: Readonly<Record<string, string>> = {
  BAD_ALIAS: "a star at the start of a text is an alias in YAML; quote the rule: '* machines/**'",
  BAD_DQ_ESCAPE: 'a backslash in double quotes starts no such escape; write the text in single quotes',
  BAD_INDENT: 'the line is not indented as it must be, or a bracket or brace before it is not closed',
  BAD_SCALAR_START: 'a text cannot start with this character in YAML; write the text in single quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a line has a second colon, or the line before is not complete; write KEY: VALUE',
  BLOCK_IN_FLOW: 'a bracket or brace is not closed before this line',
  DUPLICATE_KEY: 'the key is given twice; keep one',
  MISSING_CHAR: 'a quote, bracket, brace, comma or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a line has no colon; write KEY: VALUE',
  MULTIPLE_DOCS: 'a second document begins; keep one',
  TAB_AS_INDENT: 'a tab indents the line; YAML takes spaces only',
  UNEXPECTED_TOKEN: 'this character does not fit here; a text with brackets or quotes in it needs quotes around it'
}

/**
 * Parses a text as YAML, of which JSON is a part. The failsafe schema (YAML 1.2 section 10.1) keeps every value as the
 * text of the file, for the setting to read. With YAML's numbers the mode `0o660` would be 432, and 432 is a mode too:
 * one that lets others in. The parser is loaded here because most users have no such file.
 * @param path the path of the file, for messages
 */
export async function parseConfig (text: string, path: string): Promise<Parsed> {
  const { LineCounter, parseDocument, visit } = await import('yaml')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', lineCounter })
  const placeAt = placesIn(text, path, lineCounter)
  const [error] = document.errors
  if (error !== undefined) return { problem: explainSyntax(error), place: placeAt(error.pos[0]) }
  const unresolved: Range[] = []
  visit(document, {
    Alias (_key, node) {
      if (node.resolve(document) === undefined) unresolved.push(node.range as Range)
    }
  })
  const [range] = unresolved
  if (range !== undefined) return { problem: SYNTAX_ERRORS['BAD_ALIAS'] as string, place: placeAt(range[0]) }
  return { document: { content: document.toJS(), placeOf: path => placeAt(offsetOf(document.contents, path)) } }
}

function explainSyntax ({ code }: YAMLError): string {
  return `is neither YAML nor JSON: ${SYNTAX_ERRORS[code] ?? 'the parser does not understand this'} (${code})`
}

/**
 * The offset of the key of an entry, or of an element of a list. For what stands behind an alias, and for a key that is
 * a list, it is the offset of the nearest entry around it.
 */
function offsetOf (root: unknown, path: EntryPath): number {
  let offset = 0
  let node = root as Partial<Branch> | undefined
  for (const step of path) {
    const item = node?.items?.find((item, i) => 'key' in item ? String(item.key) === step : i === step)
    if (item === undefined) break
    offset = (('key' in item ? item.key : item).range as Range)[0]
    node = ('key' in item ? item.value : item) as Partial<Branch>
  }
  return offset
}

/** A node of a document that has entries or elements. */
interface Branch {
  items: ReadonlyArray<Pair<Node> | Node>
}

/** Makes a function that describes a place in a text by its offset. */
function placesIn (text: string, path: string, lineCounter: LineCounter): (offset: number) => Place {
  const lines = text.split('\n')
  const isShown = !NAMES_SECRET.test(text)
  const name = /^[\w./@+-]+$/.test(path) ? path : quote(path)
  return offset => {
    const { line, col } = lineCounter.linePos(offset)
    return { name: `${name}:${line}:${col}`, excerpt: isShown ? excerptOf(lines[line - 1] as string, line, col) : '' }
  }
}

/** A key that names a secret, not the file of one. The value may go on over several lines, so no line is shown. */
const NAMES_SECRET = /^[^#\n]*(?:key|token|secret|password)(?!-file)[\w-]*["']?[ \t]*:/im

/** A line that may hold a key, or a password in a URL. */
const LIKE_A_SECRET = /[A-Za-z0-9]{16}|@|[^\s:'"]+:[^\s:/]+:[^\s:]+/

/** The longest line that is shown. */
const MAX_LINE = 120

/** A line of the file with a mark below the column; empty for a line that may have a secret in it. */
function excerptOf (text: string, line: number, col: number): string {
  const shown = text.replace(/\r$/, '').replaceAll('\t', ' ')
  if (shown.length > MAX_LINE || LIKE_A_SECRET.test(shown) || /[^\x20-\x7e]/.test(shown)) return ''
  const margin = ' '.repeat(String(line).length)
  return `\n  ${line} | ${shown}\n  ${margin} | ${' '.repeat(col - 1)}^`
}
