// 1 GiB down and up: CPU for it, and how much memory grows meanwhile. The first quarter of a GiB each way is not
// counted, since code is still being compiled then.
import { once } from 'node:events'
import { request } from 'node:http'
import { launch, launchUpstream, OURS, PEERS } from './peers.mjs'
import { cpuUs, forgetPeak, has, peakMib, residentMib, stop } from './processes.mjs'
import { figure } from './stats.mjs'

const GIB = 1024 ** 3
const CHUNK = Buffer.alloc(64 * 1024, 'x')
const ROUNDS = 3
const GOALS = { down: 1.5, up: 1.2 }
const GOAL_MIB = 32

export async function measureBulk ({ tell }) {
  const nginx = PEERS.find(({ name }) => name === 'nginx')
  const upstream = await launchUpstream()
  const candidates = [await launch(OURS, { upstream: upstream.url })]
  if (has(nginx.command)) candidates.push(await launch(nginx, { upstream: upstream.url }))
  const figures = []
  for (const [way, transfer] of Object.entries({ down, up })) {
    const seconds = new Map(candidates.map(({ name }) => [name, []]))
    const grown = new Map(candidates.map(({ name }) => [name, []]))
    for (const { url } of candidates) await transfer(url, GIB / 4)
    for (let i = 0; i < ROUNDS; i++) {
      tell(`1 GiB ${way}, round ${i + 1} of ${ROUNDS}`)
      for (const { name, url, child } of i % 2 === 0 ? candidates : candidates.toReversed()) {
        forgetPeak(child)
        const before = { cpu: cpuUs(child), memory: residentMib(child) }
        const arrived = await transfer(url, GIB)
        if (arrived !== GIB) throw new Error(`${name}: ${arrived} bytes of 1 GiB arrived`)
        seconds.get(name).push((cpuUs(child) - before.cpu) / 1e6)
        grown.get(name).push(peakMib(child) - before.memory)
      }
    }
    figures.push(figure(`1 GiB ${way}: CPU`, 's', seconds, { against: nginx.name, goal: GOALS[way] }))
    figures.push(figure(`1 GiB ${way}: memory grows by`, 'MiB', grown, { goal: GOAL_MIB }))
  }
  await Promise.all([...candidates, upstream].map(({ child }) => stop(child)))
  return figures
}

/** @returns how many bytes arrived */
async function down (url, size) {
  const outgoing = request(`${url}/MAAS/api/2.0/files/?size=${size}`).end()
  const [incoming] = await once(outgoing, 'response')
  let arrived = 0
  incoming.on('data', chunk => { arrived += chunk.length })
  await once(incoming, 'end')
  return arrived
}

/** @returns how many bytes the upstream says it got */
async function up (url, size) {
  const outgoing = request(`${url}/MAAS/api/2.0/files/`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': size } })
  const answered = once(outgoing, 'response')
  for (let sent = 0; sent < size; sent += CHUNK.length) if (!outgoing.write(CHUNK)) await once(outgoing, 'drain')
  outgoing.end()
  const [incoming] = await answered
  return Number((await incoming.toArray()).join(''))
}
