import { LruMap } from 'toad-cache'

/** Entries that are kept: more texts than clients send again and again. */
const MAX_ENTRIES = 1000

/** Longest text that is kept, in UTF-16 units: a target may fill a whole header. */
const MAX_LENGTH = 256

/**
 * Remembers what a pure function says of a text. Clients choose the texts, so the memory is bounded: the least recently used entry goes
 * first. What the function throws is not remembered.
 */
export function memoize<T extends {}> (decide: (text: string) => T): (text: string) => T {
  const known = new LruMap<T>(MAX_ENTRIES)
  return text => {
    if (text.length > MAX_LENGTH) return decide(text)
    let decided = known.get(text)
    if (decided === undefined) {
      decided = decide(text)
      known.set(text, decided)
    }
    return decided
  }
}
