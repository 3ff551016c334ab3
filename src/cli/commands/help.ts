import { SettingsError } from '../../settings/settings-error.ts'
import { suggestion } from '../../text/suggestion.ts'
import { type Command, type Commands, EXIT } from '../command.ts'
import { commandHelp, overview } from '../help/overview.ts'
import { TOPICS } from '../help/topics.ts'

/** Makes the command that prints help. @param commands every command, including this one */
export function help (commands: () => Commands): Command {
  return {
    summary: 'explain a command, or the settings, rules, errors, metrics or the configuration file',
    help: 'print the help of a command or of a topic; without a word, what --help prints',
    examples: [
      ['help rules', 'how rules are written'],
      ['help run', 'the same as run --help']
    ],
    forms: [[], ...Object.keys(TOPICS).map(topic => [topic]), ['COMMAND']],
    async run ({ words: [, word] }, { stdout }) {
      stdout.write(helpOf(word, commands()))
      return EXIT.ok
    }
  }
}

/**
 * The help of a word.
 * @param word a topic or a command; undefined for the overview
 * @throws SettingsError if it is neither; the message does not repeat it
 */
function helpOf (word: string | undefined, commands: Commands): string {
  if (word === undefined) return overview(commands)
  // `config` is both: the topic is the file that the command prints.
  const topic = Object.hasOwn(TOPICS, word) ? TOPICS[word] : undefined
  return topic === undefined ? helpOfCommand(word, commands) : topic()
}

/**
 * The help of a command.
 * @throws SettingsError if there is no such command; the message does not repeat the word
 */
export function helpOfCommand (word: string, commands: Commands): string {
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined
  if (command !== undefined) return commandHelp(word, command)
  const known = [...Object.keys(TOPICS), ...Object.keys(commands)]
  const advice = suggestion(word, known) || `; write help ${Object.keys(TOPICS).join(', help ')} or help COMMAND`
  throw new SettingsError([`help: no such command or topic${advice}`])
}
