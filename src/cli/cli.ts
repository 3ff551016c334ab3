import { check } from './commands/check.ts'
import { type Command, CommandError, type Commands, EXIT, type Io } from './command.ts'
import { completion } from './commands/completion.ts'
import { config } from './commands/config.ts'
import { demo } from './commands/demo.ts'
import { explain } from './commands/explain.ts'
import { help, helpOfCommand } from './commands/help.ts'
import { man } from './commands/man.ts'
import { policy } from './commands/policy.ts'
import { ready } from './commands/ready.ts'
import { run as runCommand } from './commands/run.ts'
import { serve } from './commands/serve.ts'
import { token } from './commands/token.ts'
import { explainStrayWord } from './stray-word.ts'
import { checkUsage } from './usage.ts'
import { type CommandLine, OWN_FLAGS, OWN_SWITCHES, type OwnFlag, parseCommandLine } from './flags.ts'
import { overview } from './help/overview.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { suggestion } from '../text/suggestion.ts'
import { fullVersion, version } from '../package.ts'

/** All commands, in the order of help and README. */
export const COMMANDS: Commands = {
  serve,
  run: runCommand,
  demo,
  check,
  ready,
  policy,
  token,
  config,
  explain,
  help: help(() => COMMANDS),
  completion: completion(() => COMMANDS),
  man: man(() => COMMANDS, version)
}

/**
 * Runs the command that the command line names, and writes a line to stderr for each error.
 * @returns the exit code, see {@link EXIT_STATUS}
 */
export async function run (io: Io): Promise<number> {
  try {
    const line = parseCommandLine(io.argv)
    const [name = 'serve', ...rest] = line.words
    if (line.help) return print(io, line.words.length === 0 ? overview(COMMANDS) : helpOfCommand(name, COMMANDS))
    if (line.version) return print(io, `${fullVersion()}\n`)
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (command === undefined) throw new SettingsError([noSuchCommand(name)])
    checkUsage(name, command, rest, line.operands)
    if (line.json && command.json !== true) throw new SettingsError([`--json: ${name} has no answer in JSON`])
    if (line.verbose && command.verbose !== true) throw new SettingsError([notVerbose(name)])
    if ((line.standInOnly || line.maasVersion !== null) && command.standIn !== true) {
      throw new SettingsError([`--stand-in-only, --maas-version: ${name} has no stand-in for MAAS; demo has`])
    }
    checkOwnFlags(name, command, line)
    return await command.run(line, io)
  } catch (error) {
    return report(error as NodeJS.ErrnoException, io)
  }
}

/** Checks that the command takes the flags that few commands take. @throws SettingsError */
function checkOwnFlags (name: string, { ownFlags = [] }: Command, line: CommandLine): void {
  const fields = { ...OWN_FLAGS, ...OWN_SWITCHES }
  for (const flag of Object.keys(fields) as OwnFlag[]) {
    if (line[fields[flag]] === null || ownFlags.includes(flag)) continue
    const [other] = Object.keys(COMMANDS).filter(name => COMMANDS[name]?.ownFlags?.includes(flag))
    throw new SettingsError([`${flag}: is no flag of ${name}; ${other} has it`])
  }
}

/** The message about an unknown command. It repeats no word that may be a secret in the wrong place. */
function noSuchCommand (word: string): string {
  return explainStrayWord(word) ?? `no such command${suggestion(word, Object.keys(COMMANDS))}`
}

function notVerbose (name: string): string {
  return `--verbose: ${name} has no more to tell; --log-level debug makes the log tell more`
}

function print (io: Io, text: string): number {
  io.stdout.write(text)
  return EXIT.ok
}

/** What to do about an error of the system at the start, by its code. */
const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there; stop it, or choose another address with --listen',
  EADDRNOTAVAIL: 'this machine does not have that address; choose another with --listen',
  EACCES: 'this user may not listen there; choose a port above 1023, or a directory that this user may write in',
  ENOTFOUND: 'the name has no address; write the address in --listen, or a name that this machine knows'
}

function report (error: NodeJS.ErrnoException, { stderr }: Io): number {
  if (error instanceof SettingsError) {
    for (const problem of error.problems) stderr.write(`maas-auth-proxy: error: ${problem}\n`)
    stderr.write('maas-auth-proxy: hint: maas-auth-proxy help settings explains all settings, ' +
      'maas-auth-proxy --help shows commands\n')
    return EXIT.usage
  }
  stderr.write(`maas-auth-proxy: error: ${error.message}\n`)
  const remedy = error instanceof CommandError ? error.remedy : REMEDIES[String(error.code)]
  if (remedy) stderr.write(`maas-auth-proxy: hint: ${remedy}\n`)
  return EXIT.failure
}
