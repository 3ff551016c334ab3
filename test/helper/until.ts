import { setTimeout as wait } from 'node:timers/promises'

/** Half of what a test file has, since a machine under load is slow. */
const DEADLINE_MS = 60_000
const PAUSE_MS = 5

/**
 * Waits until a condition holds, and looks every few milliseconds.
 * @param what the condition, in words
 * @throws Error that says it, after a minute
 */
export async function until (what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`)
    await wait(PAUSE_MS)
  }
}
