/** What puts something off to the end of the turn of the event loop. */
export interface Putting {
  onEndOfTurn (): void
}

let waiting: Putting[] = []

/**
 * Calls back when all that has come in this turn of the event loop has been looked at. Answers that go out one right after another wake their
 * reader once, where each by itself, with other work in between, wakes it every time: that is dearer than writing.
 */
export function atEndOfTurn (putting: Putting): void {
  if (waiting.push(putting) === 1) setImmediate(callAll)
}

function callAll (): void {
  const called = waiting
  waiting = []
  for (const putting of called) putting.onEndOfTurn()
}
