import { parseArgs } from 'node:util'
import { SettingsReport } from '../settings/report.ts'
import type { Flags } from '../settings/setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from '../settings/table.ts'
import { meantByFlag } from './peer-words.ts'

/** The parts of a command line. */
export interface CommandLine {
  flags: Flags
  /** the command and its own words, in order */
  words: string[]
  /** everything behind `--`; null if there is no `--` */
  operands: string[] | null
  /** whether --json asks for an answer in JSON */
  json: boolean
  /** whether --verbose asks for more */
  verbose: boolean
  /** whether --stand-in-only asks for the stand-in of the demo without a proxy */
  standInOnly: boolean
  /** the value of --maas-version; null if it is not given */
  maasVersion: string | null
  /** the value of --expires; null if it is not given */
  expires: string | null
  /** the value of --client; null if it is not given */
  client: string | null
  /** the value of --recording; null if it is not given */
  recording: string | null
  /** true if --exact is given, else null; the next two are --by-client and --flags */
  exact: true | null
  byClient: true | null
  asFlags: true | null
  help: boolean
  version: boolean
}

const NAMES_BY_FLAG: ReadonlyMap<string, SettingName> = new Map(
  (Object.keys(SETTINGS) as SettingName[]).flatMap(name => {
    const { flag } = SETTINGS[name]
    return flag === null ? [] : [[flag, name]]
  })
)

/** The flags that are not settings, and their help. */
export const OTHER_FLAGS = {
  '--json': 'answer in JSON, where the command says so',
  '--verbose': 'tell more, where the command says so',
  '--stand-in-only': 'demo: start the stand-in for MAAS alone, and print its address and its keys',
  '--maas-version': 'demo: the version of MAAS that the stand-in answers as, 3.4 or 3.7 (3.7)',
  '--expires': 'token: when the access of the client ends: 30d, 12h, 2026-12-31 or 2026-12-31T18:00:00Z',
  '--client': 'policy: the client whose rules are asked, beside those of the listener',
  '--recording': 'policy test, policy unused: the file of --learn, or the log, whose operations are asked about',
  '--exact': 'policy learn: keep the names in rules that were always the same, but for the ids of machines',
  '--by-client': 'policy learn: write the rules of each client apart',
  '--flags': 'policy learn: write flags in place of a part of a configuration file',
  '--help': 'show help, behind a command that of the command',
  '--version': 'show the version'
} as const

/** The flags that few commands take, each with a value. */
export const OWN_FLAGS = { '--expires': 'expires', '--client': 'client', '--recording': 'recording' } as const

/** The switches that few commands take. */
export const OWN_SWITCHES = { '--exact': 'exact', '--by-client': 'byClient', '--flags': 'asFlags' } as const

/** A flag or switch that few commands take. */
export type OwnFlag = keyof typeof OWN_FLAGS | keyof typeof OWN_SWITCHES

const KNOWN_FLAGS = [...NAMES_BY_FLAG.keys(), ...Object.keys(OTHER_FLAGS)]

/**
 * Parses the command line. Flags may stand before and after the words. A value stands behind a space or an equals sign.
 * `--` ends the flags.
 * @param argv the arguments without node and the script
 * @throws SettingsError with every problem; it never repeats a value, which may be a secret in the wrong place
 */
export function parseCommandLine (argv: readonly string[]): CommandLine {
  const parsing = { options: OPTIONS, strict: false, allowPositionals: true, tokens: true } as const
  const { tokens } = parseArgs({ args: [...argv], ...parsing })
  const line: CommandLine = { flags: {}, words: [], operands: null, ...NO_OTHER_FLAGS }
  const report = new SettingsReport()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') line.operands = []
    if (token.kind === 'positional') (line.operands ?? line.words).push(token.value)
    if (token.kind !== 'option') continue
    const { rawName, value, inlineValue, index } = token
    const name = NAMES_BY_FLAG.get(rawName)
    const argument = argv[index] as string
    // To the parser, -read-only is nine flags.
    if (/^-[^-]./.test(argument)) report.problem(explainShortFlag(argument))
    else if (rawName === '--help' || rawName === '-h') line.help = true
    else if (rawName === '--version') line.version = true
    else if (rawName === '--json') line.json = true
    else if (rawName === '--verbose') line.verbose = true
    else if (rawName === '--stand-in-only') line.standInOnly = true
    else if (rawName === '--maas-version') line.maasVersion = value ?? ''
    else if (rawName in OWN_SWITCHES) line[OWN_SWITCHES[rawName as keyof typeof OWN_SWITCHES]] = true
    else if (rawName in OWN_FLAGS) {
      if (value === undefined || (value.startsWith('-') && value !== '-')) report.problem(`${rawName}: needs a value`)
      else line[OWN_FLAGS[rawName as keyof typeof OWN_FLAGS]] = value
    } else if (name === undefined) report.problem(explainFlag(rawName))
    else if (SETTINGS[name].value === null) line.flags[name] = [value ?? 'true']
    else if (value === undefined || (value.startsWith('-') && inlineValue === false)) {
      report.problem(`${rawName}: needs a value: ${rawName} ${SETTINGS[name].value}`)
    } else if (line.flags[name] !== undefined && !SETTINGS[name].repeatable) report.problem(`${rawName}: given twice`)
    else line.flags[name] = [...line.flags[name] ?? [], value]
  }
  for (const problem of findSplitRules(tokens)) report.problem(problem)
  if (report.hasProblems) throw report.toError()
  return line
}

/** A command line without any of {@link OTHER_FLAGS}. */
const NO_OTHER_FLAGS = {
  json: false,
  verbose: false,
  standInOnly: false,
  maasVersion: null,
  expires: null,
  client: null,
  recording: null,
  exact: null,
  byClient: null,
  asFlags: null,
  help: false,
  version: false
} as const

/** The message about an unknown flag. */
function explainFlag (flag: string): string {
  const meant = meantByFlag(flag)
  if (meant !== undefined) return `${flag}: no such flag; ${meant}`
  return `${flag}: no such flag${suggestion(flag, KNOWN_FLAGS)}`
}

/** The message about `-word` or `-xVALUE`. It repeats the word only if it is like a flag. */
function explainShortFlag (argument: string): string {
  const flag = `-${argument.replace(/=.*/s, '')}`
  if (KNOWN_FLAGS.includes(flag)) return `${flag.slice(1)}: no such flag; write ${flag}, with two dashes`
  const meant = meantByFlag(flag)
  if (meant !== undefined) return `${flag.slice(1)}: no such flag; ${meant}`
  const near = suggestion(flag, KNOWN_FLAGS)
  return near === '' ? explainFlag(argument.slice(0, 2)) : `${flag.slice(1)}: no such flag${near}`
}

/** The part of a token of `util.parseArgs` that is needed here. */
interface Token {
  kind: string
  index: number
  rawName?: string
  value?: string | boolean | undefined
}

/**
 * Finds rules that the shell has split, because they stood without quotes: `--allow GET machines/`.
 * @returns a message for each
 */
function findSplitRules (tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ rawName, value }, i) => {
    const next = tokens[i + 1]
    const isSplit = (rawName === '--allow' || rawName === '--deny') && next?.kind === 'positional' &&
      /^(?:\*|[A-Z]+(?:,[A-Z]+)*)$/.test(String(value))
    if (!isSplit) return []
    const path = /^[a-z{][\w{}*./?=-]{0,100}$/.test(String(next.value)) ? String(next.value) : 'PATH'
    const place = `word ${next.index + 1} follows ${rawName} ${String(value)}`
    return [`${place}; quote the rule: ${rawName} '${String(value)} ${path}'`]
  })
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  'stand-in-only': { type: 'boolean' },
  expires: { type: 'string' },
  client: { type: 'string' },
  'maas-version': { type: 'string' },
  recording: { type: 'string' },
  exact: { type: 'boolean' },
  'by-client': { type: 'boolean' },
  flags: { type: 'boolean' },
  ...Object.fromEntries([...NAMES_BY_FLAG].map(([flag, name]) => [flag.slice(2), { type: typeOf(name) }]))
} as const

function typeOf (name: SettingName): 'boolean' | 'string' {
  return SETTINGS[name].value === null ? 'boolean' : 'string'
}

/** Whether a command line runs `serve`. A command line with problems does not. */
export function asksToServe (argv: readonly string[]): boolean {
  try {
    const { words: [command = 'serve'], help, version } = parseCommandLine(argv)
    return command === 'serve' && !help && !version
  } catch {
    return false
  }
}
