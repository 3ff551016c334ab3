import { SettingsError } from '../settings/settings-error.ts'
import type { Command } from './command.ts'
import { explainStrayWord } from './stray-word.ts'

/** The usage of a command, a line for each form. */
export function usagesOf (name: string, { forms = [[]], operands }: Command): string[] {
  return forms.map(form => [name, ...form, ...operands === undefined ? [] : ['[SETTINGS]', '--', operands]].join(' '))
}

/**
 * Checks the words of a command line against the forms of the command.
 * @param words the words behind the name of the command
 * @param operands the words behind `--`; null if there is no `--`
 * @throws SettingsError with the usage of the command; it repeats no word, which may be a secret in the wrong place
 */
export function checkUsage (
  name: string, command: Command, words: readonly string[], operands: readonly string[] | null
): void {
  const { forms = [[]] } = command
  const operandsFit = command.operands === undefined ? operands === null : Boolean(operands?.[0])
  if (forms.some(form => fits(words, form)) && operandsFit) return
  if (command.forms === undefined && command.operands === undefined) {
    const advice = explainStrayWord(words[0] ?? '') ?? 'a setting is given as --NAME VALUE'
    throw new SettingsError([`${name}: has a word too many; ${advice}`])
  }
  const split = forms.find(form => form.at(-1)?.startsWith('"') && fits(words.slice(0, form.length), form))
  const advice = split === undefined ? '' : `${[name, ...split.slice(0, -1)].join(' ')}: quote the operation; `
  const alike = forms.filter(([first]) => first !== undefined && first === words[0])
  const usages = usagesOf(name, alike.length === 0 ? command : { ...command, forms: alike })
  throw new SettingsError([`${advice || `${name}: `}write ${usages.join(', or ')}`])
}

/** Whether a word of a form is literal, not a placeholder. */
export function isLiteral (word: string): boolean {
  return /^[a-z]+$/.test(word)
}

function fits (words: readonly string[], form: readonly string[]): boolean {
  const wanted = form.filter(word => !word.startsWith('-'))
  const isLong = wanted.at(-1)?.endsWith('...') === true && words.length > wanted.length
  return (isLong || words.length === wanted.length) && wanted.every((word, i) => !isLiteral(word) || word === words[i])
}
