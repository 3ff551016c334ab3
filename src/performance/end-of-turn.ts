/** What has something to do when a turn of the event loop ends. */
export interface EndOfTurnListener {
  onEndOfTurn (): void
}

let waiting: EndOfTurnListener[] = []

/**
 * Calls back when all that has come in this turn of the event loop has been looked at. Answers that go out one right after another wake their
 * reader once, where each by itself, with other work in between, wakes it every time: that is dearer than writing.
 */
export function atEndOfTurn (listener: EndOfTurnListener): void {
  if (waiting.push(listener) === 1) setImmediate(callAll)
}

function callAll (): void {
  const called = waiting
  waiting = []
  for (const listener of called) listener.onEndOfTurn()
}
