/** Writes a number of things: `1 rule`, `3 rules`. @param word the word for one, to which `s` is added for others */
export function countOf (count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
