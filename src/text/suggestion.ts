import { closest, distance } from 'fastest-levenshtein'

/** The largest part of a word's letters that may be wrong for a suggestion. */
const WRONG_SHARE = 0.4

/** The known word with the smallest edit distance to a word. @param known at least one word */
export function nearest (word: string, known: readonly string[]): string {
  return closest(word, known)
}

/**
 * The known word that an unknown word was meant to be; null if none is near.
 * @param prefix the beginning of all the words, which does not count as similar
 */
export function nearWord (word: string, known: readonly string[], prefix = ''): string | null {
  const candidate = nearest(word, known)
  const length = Math.max(word.length, candidate.length) - prefix.length
  return distance(word, candidate) <= length * WRONG_SHARE ? candidate : null
}

/**
 * The end of a message about an unknown word: the word that was meant, or an empty text.
 * @param prefix as of {@link nearWord}
 */
export function suggestion (word: string, known: readonly string[], prefix = ''): string {
  const candidate = nearWord(word, known, prefix)
  return candidate === null ? '' : `; did you mean ${candidate}?`
}
