// npm run bench: what the proxy costs, with everything on, beside no proxy and those that are there of nginx, haproxy,
// caddy, kubectl proxy and the proxies of npm. It takes about ten minutes and a machine that has nothing else to do.
// Linux only: it reads /proc. It begins with the lines that install what is not there.
//
//   --quick        only against a bare @fastify/http-proxy, for some seconds; nothing is needed but node
//   --against DIR  only against another build of ours, the one in that clone: whether a change pays
//   --json         prints all of it as JSON instead of as text
//   --svg FILE     draws the main table
//   --readme       puts the figures into README and its picture into this directory
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureBulk } from './bulk.mjs'
import { measureLatency } from './latency.mjs'
import { GENERATOR } from './load.mjs'
import { measureOneShot } from './one-shot.mjs'
import { launchUpstream, missing, ours, PEERS } from './peers.mjs'
import { cores, has } from './processes.mjs'
import { asText, writeReadme } from './report.mjs'
import { measureSlices } from './slices.mjs'
import { measureStart } from './start.mjs'
import { asSvg } from './svg.mjs'

const QUICK_PEER = '@fastify/http-proxy'
const PICTURE = 'test/bench/bench.svg'
const inRoot = path => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const { values: { quick, against, json, svg, readme } } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, against: { type: 'string' }, json: { type: 'boolean', default: false }, svg: { type: 'string' }, readme: { type: 'boolean', default: false } }
})
const whole = !quick && against === undefined
if (readme && !whole) throw new Error('--readme takes the whole of it, without --quick or --against')

const started = performance.now()
const tell = text => { process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`) }
const pairs = quick ? 5 : 12
const seconds = quick ? 1 : 2

const nginx = has('nginx')
const upstream = await launchUpstream({ nginx })
const peers = against !== undefined ? [ours(resolve(against), 'the other build')] : quick ? PEERS.filter(({ name }) => name === QUICK_PEER) : PEERS
for (const line of missing(peers)) tell(line)
const rows = await measureSlices(upstream, peers, { pairs, seconds, tell })
const figures = []
if (whole) {
  figures.push(...await measureLatency(upstream, { pairs, tell }))
  figures.push(...await measureBulk({ tell }))
  figures.push(...await measureStart(upstream, { tell }))
  figures.push(...await measureOneShot({ tell }))
}

const result = {
  date: new Date().toISOString(),
  machine: { cpu: cpus()[0].model, cores: cpus().length, kernel: release(), node: process.versions.node, pinned: cores !== null, upstream: nginx ? 'nginx' : 'node', generator: GENERATOR },
  pairs,
  seconds,
  rows,
  figures
}
console.log(json ? JSON.stringify(result, null, 2) : asText(result))
if (svg !== undefined) writeFileSync(svg, asSvg(result))
if (readme) {
  writeFileSync(inRoot(PICTURE), asSvg(result))
  writeReadme(inRoot('README.md'), result, PICTURE)
}
process.exit()
