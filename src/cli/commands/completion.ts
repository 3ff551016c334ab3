import { type Command, type Commands, EXIT } from '../command.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { vocabularyOf } from './completion/vocabulary.ts'
import { zshCompletion } from './completion/zsh.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** Makes the command that prints a shell's completion script. @param commands every command, including this one */
export function completion (commands: () => Commands): Command {
  return {
    summary: 'print a completion script for bash, zsh or fish',
    help: 'print a script for the shell to complete command lines with',
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/maas-auth-proxy', 'for new shells']
    ],
    forms: Object.keys(SHELLS).map(shell => [shell]),
    async run ({ words: [, shell] }, { stdout }) {
      stdout.write(SHELLS[shell as keyof typeof SHELLS](vocabularyOf(commands())))
      return EXIT.ok
    }
  }
}
