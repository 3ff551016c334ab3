import { parseArgs } from 'node:util'
import { SettingsReport } from '../settings/report.ts'
import type { Flags } from '../settings/setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from '../settings/table.ts'

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
  '--help': 'show all settings and commands',
  '--version': 'show the version'
} as const

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
    const { rawName, value, inlineValue } = token
    const name = NAMES_BY_FLAG.get(rawName)
    if (rawName === '--help' || rawName === '-h') line.help = true
    else if (rawName === '--version') line.version = true
    else if (rawName === '--json') line.json = true
    else if (rawName === '--verbose') line.verbose = true
    else if (rawName === '--stand-in-only') line.standInOnly = true
    else if (rawName === '--maas-version') line.maasVersion = value ?? ''
    else if (name === undefined) report.problem(`${rawName}: no such flag${suggestion(rawName, KNOWN_FLAGS)}`)
    else if (SETTINGS[name].value === null) line.flags[name] = [value ?? 'true']
    else if (value === undefined || (value.startsWith('-') && inlineValue === false)) {
      report.problem(`${rawName}: needs a value: ${rawName} ${SETTINGS[name].value}`)
    } else if (line.flags[name] !== undefined && !SETTINGS[name].repeatable) report.problem(`${rawName}: given twice`)
    else line.flags[name] = [...line.flags[name] ?? [], value]
  }
  if (report.hasProblems) throw report.toError()
  return line
}

/** A command line without any of {@link OTHER_FLAGS}. */
const NO_OTHER_FLAGS = {
  json: false, verbose: false, standInOnly: false, maasVersion: null, help: false, version: false
} as const

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  'stand-in-only': { type: 'boolean' },
  'maas-version': { type: 'string' },
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
