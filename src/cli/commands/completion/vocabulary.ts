import { OTHER_FLAGS } from '../../flags.ts'
import type { Setting } from '../../../settings/setting.ts'
import { SETTINGS } from '../../../settings/table.ts'
import type { Commands } from '../../command.ts'
import { isLiteral } from '../../usage.ts'

/** A flag, and what stands behind it. */
export interface FlagWord {
  flag: string
  help: string
  repeatable: boolean
  /** what stands for the value in help; null for a switch */
  value: string | null
  /** what can be offered for the value: some words, the names of files, or nothing */
  offer: readonly string[] | 'files' | null
}

export interface CommandWord {
  name: string
  help: string
  /** what can be offered behind the name */
  words: readonly string[]
}

/** Everything that a command line can be made of, for the shells to offer. */
export interface Vocabulary {
  flags: FlagWord[]
  commands: CommandWord[]
}

/** Makes the vocabulary from the tables of settings and commands. */
export function vocabularyOf (commands: Commands): Vocabulary {
  const settings: Array<Setting<unknown>> = Object.values(SETTINGS)
  return {
    flags: [
      ...settings.flatMap(({ flag, help, repeatable, value, words }) => flag === null ? [] : [{ flag, help, repeatable, value, offer: value === 'FILE' ? 'files' as const : words ?? null }]),
      ...Object.entries(OTHER_FLAGS).map(([flag, help]) => ({ flag, help, repeatable: false, value: null, offer: null }))
    ],
    commands: Object.entries(commands).map(([name, { help, forms = [], operands }]) => ({
      name,
      help,
      words: operands === undefined ? forms.flatMap(form => form.slice(0, 1)).filter(isLiteral) : ['--']
    }))
  }
}

/** A text as one word of a POSIX shell. */
export function quoteForShell (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
