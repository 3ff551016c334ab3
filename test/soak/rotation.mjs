// What an operator does to the proxy: every 0.7 s another key, now and then half of one, told by SIGHUP; and now and
// then nobody reads the log.
import { renameSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { UNREADABLE } from './processes.mjs'

const INTERVAL_MS = 700
/** how long nobody reads the log, and how often */
const [STALL_MS, ROUNDS_A_STALL] = [2500, 10]
const TIMEOUT_MS = 10_000
const REPLACED = 'the API key has been replaced; requests from now on are signed with the new one'

export class Rotation {
  done = 0
  broken = 0
  stalls = 0
  signals = 0
  #file
  #keys
  #current
  #isSettled = true

  /** @param keys by name; the first is used first */
  constructor (file, keys) {
    this.#file = file
    this.#keys = keys
    this.#current = Object.keys(keys)[0]
    this.#write(keys[this.#current])
  }

  /** @returns a function that says by which keys a request that began now, and is over, may have been signed */
  watch () {
    const { done } = this
    const [current, wasSettled] = [this.#current, this.#isSettled]
    return () => wasSettled && this.#isSettled && done === this.done ? [current] : Object.keys(this.#keys)
  }

  async run (proxy, random, isOver, report) {
    for (let round = 1; !isOver(); round++) {
      await wait(INTERVAL_MS)
      if (round % ROUNDS_A_STALL === 1) {
        await proxy.stallLog(STALL_MS)
        this.stalls++
      }
      const isBroken = random.chance(0.2)
      const others = Object.keys(this.#keys).filter(name => name !== this.#current)
      const next = isBroken ? this.#current : random.pick(others)
      const seen = proxy.logged([isBroken ? UNREADABLE : REPLACED], TIMEOUT_MS)
      if (!isBroken) this.#isSettled = false
      this.#write(isBroken ? this.#keys[random.pick(others)].slice(0, -5) : this.#keys[next])
      for (let i = random.between(1, 3); i > 0; i--) {
        proxy.signal('SIGHUP')
        this.signals++
      }
      if (await seen === null) report('a changed key was not noticed', isBroken ? UNREADABLE : REPLACED)
      this.#current = next
      this.#isSettled = true
      if (isBroken) this.broken++
      else this.done++
    }
  }

  /** Whole at once, as Kubernetes does it. */
  #write (key) {
    writeFileSync(`${this.#file}.new`, `${key}\n`, { mode: 0o600 })
    renameSync(`${this.#file}.new`, this.#file)
  }
}
