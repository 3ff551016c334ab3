import { parseMaasUrl } from '../maas/maas-url.ts'
import { parseListenAddress } from '../settings/listen.ts'
import { meantByCommand } from './peer-words.ts'

/**
 * Says what somebody meant by a word that is no command and no word of one. It repeats the word only if it is one of a
 * list, an address or the name of a file, because the word may be a secret in the wrong place.
 * @returns what to type; undefined if the word means nothing
 */
export function explainStrayWord (word: string): string | undefined {
  if (word === 'true' || word === 'false') {
    return `${word}: is not a command; a switch takes a value only behind an equals sign, as in --read-only=${word}`
  }
  const command = meantByCommand(word)
  if (command !== undefined) return `${word}: no such command; ${command}`
  if (/^(?:GET|HEAD|POST|PUT|DELETE|\*)(?:$|[ ,])/.test(word)) {
    return "a method is not a command; to ask whether rules allow an operation, write policy test 'METHOD PATH'"
  }
  if (/^[\w./-]{1,100}\.(?:ya?ml|json)$/.test(word)) return `${word}: is not a command; write --config ${word}`
  if (/^[\w./-]{0,100}\.env$/.test(word)) return `${word}: is not a command; write --env-file ${word}`
  return explainAddress(word)
}

function explainAddress (word: string): string | undefined {
  if (/^https?:\/\//i.test(word)) return `an address is not a command; write --maas-url ${maasUrlOf(word) ?? 'URL'}`
  if (!/^(?:unix:\S{1,100}|(?:localhost|[\d.]+|\[[\da-f:.]+\])?:?\d{1,5})$/i.test(word)) return undefined
  try {
    parseListenAddress(word)
    return `an address is not a command; write --listen ${word}`
  } catch {
    return undefined
  }
}

/** The address of MAAS in a text; undefined if there is none, or something in it may be a secret. */
function maasUrlOf (text: string): string | undefined {
  try {
    return parseMaasUrl(text).href
  } catch {
    return undefined
  }
}
