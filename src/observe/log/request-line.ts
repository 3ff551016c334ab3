import { ERRORS, type ErrorCode } from '../../errors.ts'
import { stripControls } from '../../text/strip-controls.ts'
import { cutMiddle, type Paint, type Style } from '../../text/terminal.ts'

/** The facts of one request that people see. The names are those of the log record `request`. */
export interface RequestFacts {
  method: string
  /** undefined if the target was rejected */
  path?: string | undefined
  op?: string | undefined
  /** why the op is unknown; undefined if it is known */
  opUnknown?: string | undefined
  /** undefined if the proxy answered itself */
  access?: string | undefined
  /** the name of the client's token */
  client?: string | undefined
  /** undefined if no answer was begun */
  status?: number | undefined
  complete: boolean
  ms: number
  error?: ErrorCode | undefined
  hint?: string | undefined
  wouldRefuse?: string | undefined
}

/** Where a line is shown. */
export interface Screen {
  paint: Paint
  /** Returns the number of columns, which may change; Infinity if lines are not cut. */
  columns: () => number
}

/** A remark about a request, such as its error. */
export interface Note {
  kind: 'error' | 'hint' | 'note'
  text: string
}

/** The width of the first column: a time as 12:34:56 and two spaces. */
export const TIME_WIDTH = 10

/** The width of the column of methods and levels, which all but the rarest fit into. */
export const WORD_WIDTH = 6

/** Minimum width of a path, which aligns what follows it: enough for most operations. */
const PATH_WIDTH = 44

/** The number of characters that a cut path keeps, however narrow the terminal is. */
const SHORTEST_PATH = 12

const API_ROOT = '/MAAS/api/2.0/'

/** Formats a request as one line, and a further line for each note. The line begins behind the time. */
export function formatRequest (request: RequestFacts, { paint, columns }: Screen): string[] {
  const { method, status, access = '', client, ms } = request
  const numbers = `${access.padEnd(9)}  ${formatMs(ms).padStart(7)}`
  const end = client === undefined ? numbers : `${numbers}  ${client}`
  const room = columns() - TIME_WIDTH - WORD_WIDTH - end.length - '    200  '.length
  const path = cutMiddle(pathOf(request), Math.max(room, SHORTEST_PATH))
  const padding = ' '.repeat(Math.max(0, Math.min(PATH_WIDTH, room) - path.length))
  const line = [
    paint('bold', method.padEnd(WORD_WIDTH)),
    paintPath(path, paint) + padding,
    paint(styleOf(status), status === undefined ? '---' : String(status)),
    end
  ].join('  ')
  return [line, ...notesOf(request).map(({ kind, text }) => `${paint(NOTE_STYLES[kind], kind)}: ${text}`)]
}

/** The path with the operation, which is the only value of a query that is shown. */
export function pathOf ({ path = '(a target that is no path)', op, opUnknown }: RequestFacts): string {
  return stripControls(op === undefined || opUnknown !== undefined ? path : `${path}?op=${op}`)
}

/** Formats a duration for people. @param ms in milliseconds */
export function formatMs (ms: number): string {
  if (ms >= 9999.5) return `${(ms / 1000).toFixed(1)} s`
  return `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`
}

/** The remarks about a request: the error of the proxy, or the hint beside an error of MAAS, and what else is odd. */
export function notesOf ({ error, hint, opUnknown, wouldRefuse, complete }: RequestFacts): Note[] {
  const notes: Note[] = []
  if (error !== undefined) {
    const { message, remedy } = ERRORS[error]
    notes.push({ kind: 'error', text: `${message} (${error})` }, { kind: 'hint', text: remedy })
  }
  if (hint !== undefined) notes.push({ kind: 'hint', text: stripControls(hint) })
  if (opUnknown !== undefined) notes.push({ kind: 'note', text: `the operation is unknown: ${opUnknown}` })
  if (wouldRefuse !== undefined) notes.push({ kind: 'note', text: `would be refused by ${stripControls(wouldRefuse)}` })
  if (!complete) notes.push({ kind: 'note', text: 'the client did not get the whole answer' })
  return notes
}

const NOTE_STYLES: Readonly<Record<Note['kind'], Style>> = { error: 'red', hint: 'cyan', note: 'yellow' }

const STATUS_STYLES: readonly Style[] = ['red', 'dim', 'green', 'cyan', 'yellow', 'red']

function styleOf (status = 0): Style {
  return STATUS_STYLES[Math.floor(status / 100)] ?? 'red'
}

/** Dims the root that all paths share. */
function paintPath (path: string, paint: Paint): string {
  return path.startsWith(API_ROOT) ? paint('dim', API_ROOT) + path.slice(API_ROOT.length) : path
}
