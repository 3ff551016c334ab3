// The main table: CPU, throughput, latency and memory under load, ours and each peer in turns. A machine that is busy
// with something else makes both slices of a pair dear alike, so of all figures the ratio within a pair is the one to
// rely on.
import { truncateSync } from 'node:fs'
import { checkAnswers, checkEverythingOn } from './check.mjs'
import { load } from './load.mjs'
import { isThere, launch, OURS } from './peers.mjs'
import { cpuUs, peakMib, stop } from './processes.mjs'
import { median, spread } from './stats.mjs'

const CONNECTIONS = 32

/**
 * Until then V8 still compiles; by count and not by time, so that nobody is measured cold because the machine was busy.
 */
const WARM_UP_REQUESTS = 30_000

/**
 * Measures ours against peers.
 * @param pairs how many slices of each pair of ours and a peer
 * @param seconds how long a slice is
 * @param tell gets a word on what is going on
 * @returns a row a candidate: medians, and for a peer `ratio`, the CPU of ours for a request through that of the peer
 */
export async function measureSlices (upstream, peers, { pairs, seconds, tell }) {
  const ours = await launch(OURS, { upstream: upstream.url })
  const others = []
  for (const peer of peers.filter(isThere)) others.push(await launch(peer, { upstream: upstream.url }))
  const candidates = [ours, ...others]
  for (const candidate of candidates) {
    tell(`checking and warming up ${candidate.name}`)
    await checkAnswers(candidate)
    if (candidate.log !== undefined) await checkEverythingOn(candidate)
    await warmUp(candidate)
  }

  const direct = { name: 'no proxy', signs: false, url: upstream.url }
  const slices = new Map([direct, ...candidates].map(candidate => [candidate, []]))
  const slice = async candidate => {
    const before = candidate.child === undefined ? null : cpuUs(candidate.child)
    const { requests, seconds: took, p50Ms, p99Ms } = await load(candidate.url, { connections: CONNECTIONS, seconds })
    const measured = {
      cpuUs: before === null ? null : (cpuUs(candidate.child) - before) / requests,
      perSecond: requests / took,
      p50Ms,
      p99Ms
    }
    slices.get(candidate).push(measured)
    if (candidate.log !== undefined) truncateSync(candidate.log)
    return measured.cpuUs
  }
  const ratios = new Map(others.map(peer => [peer, []]))
  for (let i = 0; i < pairs; i++) await slice(direct)
  for (const peer of others) {
    tell(`slices against ${peer.name}`)
    // Pair after pair with the same peer: whoever has had nothing to do for a quarter of a minute, as ours never has,
    // is a tenth dearer.
    for (const { url } of [peer, ours]) await load(url, { connections: CONNECTIONS, seconds: 1 })
    for (let i = 0; i < pairs; i++) {
      // Whoever comes second finds the machine as the first left it, so they take turns.
      const [first, second] = i % 2 === 0 ? [ours, peer] : [peer, ours]
      const cost = new Map([[first, await slice(first)], [second, await slice(second)]])
      ratios.get(peer).push(cost.get(ours) / cost.get(peer))
    }
  }
  const rows = [...slices].map(([candidate, measured]) => ({
    name: candidate.name,
    version: candidate.version?.(),
    signs: candidate.signs,
    cpuUs: candidate === direct ? null : spread(measured.map(({ cpuUs }) => cpuUs)),
    ratio: ratios.has(candidate) ? spread(ratios.get(candidate)) : null,
    goal: candidate.goal ?? null,
    perSecond: median(measured.map(({ perSecond }) => perSecond)),
    p50Ms: median(measured.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(measured.map(({ p99Ms }) => p99Ms)),
    peakMib: candidate === direct ? null : peakMib(candidate.child)
  }))
  await Promise.all(candidates.map(({ child }) => stop(child)))
  return rows
}

async function warmUp ({ url }) {
  for (let asked = 0; asked < WARM_UP_REQUESTS;) {
    asked += (await load(url, { connections: CONNECTIONS, seconds: 1 })).requests
  }
}
