import { randomBytes } from 'node:crypto'
import { digestOf, formatDigest, parseClientName } from '../../settings/client-row.ts'
import { formatExpiry, parseLifetime } from '../../settings/expiry.ts'
import { SettingsReport } from '../../settings/report.ts'
import { parseKnownRule } from '../../settings/rules.ts'
import type { Flags } from '../../settings/setting-input.ts'
import { type SettingName, SETTINGS } from '../../settings/table.ts'
import { parseSwitch, quote } from '../../settings/values.ts'
import { type Command, EXIT } from '../command.ts'

/** The settings that a client may have of its own. */
const OWN_SETTINGS: readonly SettingName[] = ['allow', 'deny', 'readOnly']

/** Length of a token in bytes, of which no one can be guessed. */
const TOKEN_BYTES = 24

/** Makes a token for a client. It writes no file, and keeps nothing. */
export const token: Command = {
  summary: 'make a token for a client',
  help: 'make a token for a client: stdout gets the line for the file of --client-token-file, with the hash of the ' +
    'token only, and stderr the token, this once (--json); --expires is 30d, 12h, a day or a time',
  examples: [
    ['token alice >> tokens', 'a client without rules of its own'],
    ["token ci --allow 'POST machines/*?op=deploy' --expires 30d >> tokens", 'one operation, for a month']
  ],
  forms: [['NAME']],
  json: true,
  ownFlags: ['--expires'],
  async run ({ words: [, name = ''], flags, expires, json }, { stdout, stderr }) {
    const options = readOptions(name, flags, expires)
    const token = randomBytes(TOKEN_BYTES).toString('hex')
    const line = [name, formatDigest(digestOf(token)), ...options].join(' ')
    if (json) {
      stdout.write(`${JSON.stringify({ name, token, line }, null, 2)}\n`)
      return EXIT.ok
    }
    stderr.write(`the token of ${name}, which is shown only now: ${token}\n`)
    stdout.write(`${line}\n`)
    return EXIT.ok
  }
}

/** Checks the name and the rules of a client. @returns the options of its line @throws SettingsError */
function readOptions (name: string, flags: Flags, expires: string | null): string[] {
  const report = new SettingsReport()
  const check = <T>(what: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      report.problem(`token: ${what}: ${(error as Error).message}`)
      return undefined
    }
  }
  check('NAME', () => parseClientName(name))
  for (const setting of Object.keys(flags) as SettingName[]) {
    if (!OWN_SETTINGS.includes(setting)) {
      report.problem(`token: ${SETTINGS[setting].flag}: is no setting of a client; leave it out`)
    }
  }
  const readOnly = check('--read-only', () => parseSwitch(flags.readOnly?.[0] ?? 'false'))
  const rules = (['allow', 'deny'] as const).flatMap(word => (flags[word] ?? []).map(text => {
    const rule = check(`--${word}`, () => parseQuotableRule(text))
    if (readOnly === true && word === 'allow' && rule?.methods?.some(method => method !== 'GET')) {
      report.problem(`token: --read-only and --allow ${quote(text)}: contradict each other; keep one`)
    }
    return `${word}="${rule?.text}"`
  }))
  const end = expires === null ? null : check('--expires', () => parseLifetime(expires))
  if (report.hasProblems) throw report.toError()
  return [
    ...end === null || end === undefined ? [] : [`expires=${formatExpiry(end)}`],
    ...readOnly === true ? ['read-only'] : [],
    ...rules
  ]
}

/** Parses a rule that can stand in quotes in a line. */
function parseQuotableRule (text: string) {
  if (text.includes('"')) throw new Error(`${quote(text)} has a quote; write %22 for it`)
  return parseKnownRule(text)
}
