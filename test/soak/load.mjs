// The two crowds: the busy clients, and the connections that are there and ask nothing.
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from './client.mjs'
import { Connection } from './connection.mjs'
import { KINDS, WEIGHTS } from './kinds.mjs'
import { Random } from './random.mjs'

const MAX_PAUSE_MS = 20
const BATCH = 100
/** the proxy may close a connection that has asked nothing for a minute, and one that is kept alive after 72 s */
const LEAST_IDLE_MS = 55_000

/** Keeps so many clients busy until it is over. */
export async function keepBusy (soak, count, seed, isOver) {
  await Promise.all(Array.from({ length: count }, async (_, i) => {
    const client = new Client(soak, new Random(seed * 100_003 + i))
    while (!isOver()) {
      const kind = client.random.weighted(WEIGHTS)
      try {
        await KINDS[kind][1](client)
      } catch (error) {
        soak.journal.report('a client could not go on', `${kind}: ${error.message}`)
        client.close()
      }
      await wait(client.random.between(0, MAX_PAUSE_MS))
    }
    client.close()
  }))
}

/** Connections that are kept open: half of them have asked once, half never. */
export class IdleCrowd {
  closings = 0
  #soak
  #open = new Set()
  #isOver = false

  constructor (soak) {
    this.#soak = soak
  }

  get size () { return this.#open.size }

  async open (count) {
    for (let i = 0; i < count; i += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, count - i) }, async (_, j) => { await this.#add(i + j) }))
    }
  }

  async #add (i) {
    const { listeners, journal } = this.#soak
    const connection = new Connection(Object.values(listeners)[i % 3].address)
    await connection.opened()
    this.#open.add(connection)
    if (i % 2 === 0) {
      await connection.send('GET /-/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
      const answer = await connection.answer('GET')
      if (answer?.status !== 200) journal.report('no page for an idle client', `${answer?.status}`)
    }
    const since = performance.now()
    connection.answer('GET').then(answer => {
      this.#open.delete(connection)
      connection.close()
      if (this.#isOver) return
      this.closings++
      if (performance.now() - since < LEAST_IDLE_MS) journal.report('an idle connection was closed', `after ${Math.round(performance.now() - since)} ms: ${answer?.headers['maas-proxy-error'] ?? connection.ending}`)
      return this.#add(i)
    }).catch(error => { journal.report('an idle client could not go on', error.message) })
  }

  close () {
    this.#isOver = true
    for (const connection of this.#open) connection.close()
  }
}
