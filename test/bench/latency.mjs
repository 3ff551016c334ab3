// What a proxy adds to a request where there is one client with one connection: the median with it less the median
// without it.
import { load } from './load.mjs'
import { launch, OURS, PEERS } from './peers.mjs'
import { has, stop } from './processes.mjs'
import { figure } from './stats.mjs'

const GOAL = 1.4
const SLICE = { connections: 1, seconds: 1 }

export async function measureLatency (upstream, { pairs, tell }) {
  const nginx = PEERS.find(({ name }) => name === 'nginx')
  const candidates = [await launch(OURS, { upstream: upstream.url })]
  if (has(nginx.command)) candidates.push(await launch(nginx, { upstream: upstream.url }))
  for (const { url } of candidates) await load(url, { connections: 8, seconds: 3 })
  const added = new Map(candidates.map(({ name }) => [name, []]))
  for (let i = 0; i < pairs; i++) {
    tell(`one connection, round ${i + 1} of ${pairs}`)
    const direct = await load(upstream.url, SLICE)
    for (const { name, url } of i % 2 === 0 ? candidates : candidates.toReversed()) {
      added.get(name).push((await load(url, SLICE)).p50Ms - direct.p50Ms)
    }
  }
  await Promise.all(candidates.map(({ child }) => stop(child)))
  return [figure('one connection: added to the median', 'ms', added, { against: nginx.name, goal: GOAL })]
}
