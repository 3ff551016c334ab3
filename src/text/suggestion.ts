import { closest, distance } from 'fastest-levenshtein'

/** The largest part of a word's letters that may be wrong for a suggestion. */
const WRONG_SHARE = 0.4

/** The known word with the smallest edit distance to a word. @param known at least one word */
export function nearest (word: string, known: readonly string[]): string {
  return closest(word, known)
}

/**
 * The end of a message about an unknown word: the nearest known word, or an empty text if none is near.
 * @param prefix the beginning of all the words, which does not count as similar
 */
export function suggestion (word: string, known: readonly string[], prefix = ''): string {
  const candidate = nearest(word, known)
  const length = Math.max(word.length, candidate.length) - prefix.length
  return distance(word, candidate) <= length * WRONG_SHARE ? `; did you mean ${candidate}?` : ''
}
