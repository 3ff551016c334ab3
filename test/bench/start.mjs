// From the start of the process until it takes connections, and what it holds in memory a second later, when nothing
// has asked it yet. Beside ours is the same Node without a program: the least that there can be.
import { setTimeout as wait } from 'node:timers/promises'
import { isThere, launch, OURS, PEERS } from './peers.mjs'
import { residentMib, start, stop } from './processes.mjs'
import { figure } from './stats.mjs'

const ROUNDS = 7
const SETTLED_MS = 1000
// Beside the same Node without a program, since the start and the size of Node itself differ between machines.
const GOAL_MS_MORE = 110
const GOAL_MEMORY_RATIO = 1.3

const BARE_START = 'node -e 0'
const BARE_SERVER = {
  name: 'bare node:http',
  start: ({ port }) => ({ command: [process.execPath, '-e', `http.createServer().listen(${port}, '127.0.0.1')`] })
}

export async function measureStart (upstream, { tell }) {
  const peers = PEERS.filter(isThere)
  const ms = new Map([OURS.name, BARE_START, ...peers.map(({ name }) => name)].map(name => [name, []]))
  const mib = new Map([OURS, BARE_SERVER, ...peers].map(({ name }) => [name, []]))
  for (let i = 0; i < ROUNDS; i++) {
    tell(`start, round ${i + 1} of ${ROUNDS}`)
    ms.get(BARE_START).push(await bareStartMs())
    for (const candidate of [OURS, BARE_SERVER, ...peers]) {
      const { name, child, startMs } = await launch(candidate, { upstream: upstream.url })
      await wait(SETTLED_MS)
      ms.get(name)?.push(startMs)
      mib.get(name).push(residentMib(child))
      await stop(child)
    }
  }
  return [
    figure('start until it listens', 'ms', ms, { over: BARE_START, goal: GOAL_MS_MORE }),
    figure('memory when idle', 'MiB', mib, { against: BARE_SERVER.name, goal: GOAL_MEMORY_RATIO })
  ]
}

/** From the start of a Node that has nothing to do until it has ended. */
async function bareStartMs () {
  const since = performance.now()
  const child = start([process.execPath, '-e', '0'], { core: 'proxy' })
  await child.ended
  if (child.exitCode !== 0) throw new Error(`${BARE_START} ended with ${child.exitCode}: ${child.complaint}`)
  return performance.now() - since
}
