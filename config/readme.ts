// The tables of README, which stand between `<!-- NAME: written ... -->` and `<!-- end -->`.
import { COMMANDS } from '../src/cli/cli.ts'
import { EXIT_STATUS } from '../src/cli/exit-status.ts'
import { usagesOf } from '../src/cli/usage.ts'
import { ERRORS } from '../src/errors.ts'
import { describeMetrics } from '../src/observe/metrics/table.ts'
import { SETTINGS } from '../src/settings/table.ts'

/** The table of each name: a head, and rows of cells. */
const TABLES: Record<string, { head: string[], rows: ReadonlyArray<readonly string[]> }> = {
  commands: {
    head: ['command', 'what it does'],
    rows: Object.entries(COMMANDS)
      .map(([name, command]) => [usagesOf(name, command).map(code).join(', '), command.help])
  },
  'exit-codes': { head: ['code', 'meaning'], rows: EXIT_STATUS },
  settings: {
    head: ['flag', 'environment', 'default', 'meaning'],
    rows: Object.values(SETTINGS).map(({ flag, env, default: text, help }) => (
      [flag === null ? '' : code(flag), code(env), defaultOf(text), help]
    ))
  },
  errors: {
    head: ['code', 'status', 'what happened', 'what to do'],
    rows: Object.entries(ERRORS)
      .map(([name, { status, message, remedy }]) => [code(name), String(status), message, remedy])
  },
  metrics: {
    head: ['metric', 'type', 'labels', 'meaning'],
    rows: describeMetrics().map(({ name, type, labels, help }) => (
      [code(name), type, labels.map(code).join(', '), help]
    ))
  }
}

function defaultOf (text: string | null | undefined): string {
  return !text ? '' : text.startsWith('/') ? 'shipped' : code(text)
}

function code (text: string): string {
  return `\`${text}\``
}

/**
 * Writes the tables into the text of README.
 * @param text README
 * @returns README with every table up to date
 * @throws Error if README has no place for a table
 */
export function withTables (text: string): string {
  for (const [name, { head, rows }] of Object.entries(TABLES)) {
    const place = new RegExp(`(<!-- ${name}: written by npm run docs -->\n)[^]*?(<!-- end -->)`)
    if (!place.test(text)) throw new Error(`README has no place for the table ${name}`)
    const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
    text = text.replace(place, (_all, begin, end) => `${begin}${lines.join('\n')}\n${end}`)
  }
  return text
}
