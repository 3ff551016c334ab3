import { ERRORS } from '../../../errors.ts'
import { OTHER_FLAGS } from '../../flags.ts'
import type { Setting } from '../../../settings/setting.ts'
import { SETTINGS } from '../../../settings/table.ts'
import type { Commands } from '../../command.ts'
import { isLiteral } from '../../usage.ts'

type Forms = ReadonlyArray<readonly string[]>

/** A flag and its value. */
export interface FlagWord {
  flag: string
  help: string
  repeatable: boolean
  /** the placeholder of the value in help; null for a switch */
  value: string | null
  /** the completions of the value: words, the names of files, or null for none */
  offer: readonly string[] | 'files' | null
}

/** A command and its words. */
interface CommandWord {
  name: string
  help: string
  /** the completions of the word behind the name */
  words: readonly string[]
}

/** The words of command lines that a shell can complete. */
export interface Vocabulary {
  flags: FlagWord[]
  commands: CommandWord[]
}

/** A switch, which takes no value. */
const NO_VALUE = { value: null, offer: null } as const

/** The values of flags that are not settings. */
const OFFERS: Readonly<Record<string, Pick<FlagWord, 'value' | 'offer'>>> = {
  '--maas-version': { value: 'VERSION', offer: ['3.4', '3.7'] },
  '--expires': { value: 'TIME', offer: null },
  '--client': { value: 'NAME', offer: null },
  '--recording': { value: 'FILE', offer: 'files' }
}

/** Makes the vocabulary from the tables of settings and commands. */
export function vocabularyOf (commands: Commands): Vocabulary {
  const settings: Array<Setting<unknown>> = Object.values(SETTINGS)
  return {
    flags: [
      ...settings.flatMap(flagWordsOf),
      ...Object.entries(OTHER_FLAGS)
        .map(([flag, help]) => ({ flag, help, repeatable: false, ...OFFERS[flag] ?? NO_VALUE }))
    ],
    commands: Object.entries(commands).map(([name, { summary, forms = [], operands }]) => ({
      name,
      help: summary,
      words: wordsOf(name, forms, operands !== undefined, commands)
    }))
  }
}

/** The completions of the word behind a command. Behind help and explain they are names. */
function wordsOf (name: string, forms: Forms, hasOperands: boolean, commands: Commands): readonly string[] {
  if (hasOperands) return ['--']
  if (name === 'explain') return Object.keys(ERRORS)
  const literals = [...new Set(forms.flatMap(form => form.slice(0, 1)).filter(isLiteral))]
  const others = Object.keys(commands).filter(other => other !== name)
  return name === 'help' ? [...new Set([...literals, ...others])] : literals
}

/** The flag of a setting; empty for a setting without a flag. */
function flagWordsOf ({ flag, help, repeatable, value, words }: Setting<unknown>): FlagWord[] {
  return flag === null ? [] : [{ flag, help, repeatable, value, offer: value === 'FILE' ? 'files' : words ?? null }]
}

/** Quotes a text as one word of a POSIX shell. */
export function quoteForShell (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
