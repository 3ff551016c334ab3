import { closest, distance } from 'fastest-levenshtein'

/** How many letters of a word may be wrong at most, as a share of it. */
const WRONG_SHARE = 0.4

/** What to say behind a word that nobody knows: the known one that it is most like, if it is like any. @param prefix what all begin with */
export function suggestion (word: string, known: readonly string[], prefix = ''): string {
  const nearest = closest(word, known)
  const length = Math.max(word.length, nearest.length) - prefix.length
  return distance(word, nearest) <= length * WRONG_SHARE ? `; did you mean ${nearest}?` : ''
}
