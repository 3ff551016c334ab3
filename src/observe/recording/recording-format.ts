import { type OtherRequests, type RecordedOperation, Recording } from './recording.ts'

/** The first key of the file, by which it is known. */
const FORMAT = 'maas-auth-proxy recording'
const VERSION = 1

/** Whether a text begins as a recording does. */
export function isRecording (text: string): boolean {
  return /^\s*\{\s*"format":\s*"maas-auth-proxy recording"/.test(text)
}

/** Writes a recording as JSON, a line for each row, so that people and `diff` can read it. */
export function formatRecording ({ operations, others }: Pick<Recording, 'operations' | 'others'>): string {
  const rows = (all: readonly object[]) => all.map(row => `\n${JSON.stringify(row)}`).join(',')
  return `{"format":${JSON.stringify(FORMAT)},"version":${VERSION},"operations":[${rows(operations)}\n],` +
    `"others":[${rows(others)}\n]}\n`
}

/**
 * Reads a recording.
 * @throws Error that says why the text is none
 */
export function parseRecording (text: string): Recording {
  if (text.trim() === '') throw new Error('is empty, so it is no recording; remove it')
  const content = parseObject(text)
  if (content === null || content['format'] !== FORMAT) {
    throw new Error(isRecording(text)
      ? 'is cut off, or was changed; remove it'
      : 'is no recording of maas-auth-proxy; name another file')
  }
  const { version, operations, others } = content
  if (version !== VERSION) {
    throw new Error(`is a recording of format ${JSON.stringify(version)}, and this program has format ${VERSION}; ` +
      'name another file')
  }
  const recording = new Recording()
  for (const row of rowsOf<RecordedOperation>(operations, { ...REQUESTS, ...OPERATION })) recording.addOperation(row)
  for (const row of rowsOf<OtherRequests>(others, { ...REQUESTS, reason: isText })) recording.addOthers(row)
  return recording
}

function parseObject (text: string): Record<string, unknown> | null {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return null
  }
}

type Check = (value: unknown) => boolean

const isText: Check = value => typeof value === 'string'
const isTextOrNull: Check = value => value === null || isText(value)
const isCount: Check = value => Number.isSafeInteger(value) && Number(value) >= 0
const isMapOf = (check: Check): Check => value => (
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(check)
)

/** What the fields of every row have to be. */
const REQUESTS: Readonly<Record<string, Check>> = {
  method: isText,
  listener: isTextOrNull,
  client: isTextOrNull,
  refused: isTextOrNull,
  by: isTextOrNull,
  count: isCount,
  first: isText,
  last: isText,
  statuses: isMapOf(isCount),
  example: isTextOrNull
}

const OPERATION: Readonly<Record<string, Check>> = { route: isText, op: isTextOrNull, names: isMapOf(isText) }

/** @throws Error if the value is no list of rows with these fields */
function rowsOf<Row> (value: unknown, checks: Readonly<Record<string, Check>>): Row[] {
  const fits = (row: unknown) => (
    typeof row === 'object' && row !== null &&
    Object.entries(checks).every(([name, check]) => check((row as Record<string, unknown>)[name]))
  )
  if (!Array.isArray(value) || !value.every(fits)) throw new Error('is a recording that was changed; remove it')
  return value as Row[]
}
