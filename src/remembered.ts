/** How many answers to what was asked for again are kept at least; twice as many at most. Far more than a client asks for again and again. */
const MAX_YOUNG = 500

/** How long a text may be to be remembered: a name, or a target, may fill a whole header. */
const MAX_LENGTH = 256

/**
 * Remembers what a pure function said of a text, since the same few texts come all the time. Clients choose the texts, so the memory is
 * bounded: it keeps what was asked for lately. What is asked for once leaves only its text, lest a crawler fill V8's old space with what nobody
 * asks for again. What the function throws is not remembered.
 */
export function remembered<T extends {}> (decide: (text: string) => T): (text: string) => T {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  let seen = new Set<string>()
  let seenBefore = new Set<string>()
  return text => {
    const known = young.get(text)
    if (known !== undefined) return known
    const wasKept = old.get(text)
    const decided = wasKept ?? decide(text)
    if (text.length > MAX_LENGTH) return decided
    if (wasKept === undefined && !seen.has(text) && !seenBefore.has(text)) {
      if (seen.size === MAX_YOUNG) [seenBefore, seen] = [seen, new Set()]
      seen.add(text)
      return decided
    }
    if (young.size === MAX_YOUNG) [old, young] = [young, new Map()]
    young.set(text, decided)
    return decided
  }
}
