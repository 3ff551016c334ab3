import { closest, distance } from 'fastest-levenshtein'

/** How many letters of a word may be wrong at most, as a share of it. */
const WRONG_SHARE = 0.4

/** The known word that a word is most like. @param known at least one */
export function nearest (word: string, known: readonly string[]): string {
  return closest(word, known)
}

/** What to say behind a word that nobody knows: the known one that it is most like, if it is like any. @param prefix what all begin with */
export function suggestion (word: string, known: readonly string[], prefix = ''): string {
  const candidate = nearest(word, known)
  const length = Math.max(word.length, candidate.length) - prefix.length
  return distance(word, candidate) <= length * WRONG_SHARE ? `; did you mean ${candidate}?` : ''
}
