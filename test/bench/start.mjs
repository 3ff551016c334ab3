// From the start of the process until it takes connections, and what it holds in memory a second later, when nothing has asked it yet.
import { setTimeout as wait } from 'node:timers/promises'
import { isThere, launch, OURS, PEERS } from './peers.mjs'
import { residentMib, stop } from './processes.mjs'
import { figure } from './stats.mjs'

const ROUNDS = 7
const SETTLED_MS = 1000
const GOAL_MS = 150
const GOAL_MIB = 55

export async function measureStart (upstream, { tell }) {
  const candidates = [OURS, ...PEERS.filter(isThere)]
  const ms = new Map(candidates.map(({ name }) => [name, []]))
  const mib = new Map(candidates.map(({ name }) => [name, []]))
  for (let i = 0; i < ROUNDS; i++) {
    tell(`start, round ${i + 1} of ${ROUNDS}`)
    for (const candidate of candidates) {
      const { name, child, startMs } = await launch(candidate, { upstream: upstream.url })
      await wait(SETTLED_MS)
      ms.get(name).push(startMs)
      mib.get(name).push(residentMib(child))
      await stop(child)
    }
  }
  return [
    figure('start until it listens', 'ms', ms, { goal: GOAL_MS }),
    figure('memory when idle', 'MiB', mib, { goal: GOAL_MIB })
  ]
}
