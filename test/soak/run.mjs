// npm run soak: the built proxy under load and faults, for minutes. Thousands of idle connections, hundreds of busy
// ones with slow, aborted and half-closed clients among them; MAAS killed and started again every second; connections
// to it lost without a word; its keys and its CA changed, signals sent and the log not read meanwhile. It exits with 1
// on any wrong answer, unsigned, doubly sent or lost write, error of the proxy's own, or growth. Linux only: it reads
// /proc.
//
//   --seconds N      how long (180); a warm-up and two rests come on top
//   --connections N  idle ones (5000)      --busy N  busy ones (200)
//   --seed N         of all choices; a run prints its own
//   --program FILE   another build of the proxy than dist/main.js
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onlyOnLinux } from '../helper/only-on-linux.mjs'
import { Journal } from './journal.mjs'
import { KINDS } from './kinds.mjs'
import { IdleCrowd, keepBusy } from './load.mjs'
import { Proxy, scratch, Upstream } from './processes.mjs'
import { Random } from './random.mjs'
import { asTable, countsOf } from './report.mjs'
import { Rotation } from './rotation.mjs'
import { Trust } from './trust.mjs'
import { runInside, Way } from './way.mjs'

/** Growth that is none: what V8 and malloc keep differs from one moment to the next. */
const MAX_GROWN_MIB = 48
const MAX_GROWN_DESCRIPTORS = 8
const START_TIMEOUT_MS = 20_000
/** until memory is what it will be: code compiled, buffers of V8 and malloc as large as the load makes them */
const [MIN_WARM_UP_SECONDS, MAX_WARM_UP_SECONDS] = [3, 30]
const MAX_REST_MS = 4000
const SAMPLE_MS = 250
/** what a process has open beside its connections */
const SPARE_DESCRIPTORS = 500

onlyOnLinux('memory and descriptors are read')
const codeInside = await runInside()
if (codeInside !== null) process.exit(codeInside)

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    connections: { type: 'string', default: '5000' },
    busy: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    program: { type: 'string', default: fileURLToPath(new URL('../../dist/main.js', import.meta.url)) }
  }
})
const [seconds, wanted, busy, seed] = [values.seconds, values.connections, values.busy, values.seed].map(Number)
const started = performance.now()
const tell = text => { process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`) }

const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1])
const idle = Math.max(0, Math.min(wanted, limit - 2 * busy - SPARE_DESCRIPTORS))
if (idle < wanted) tell(`${idle} idle connections instead of ${wanted}: a process may open ${limit} files here (ulimit -n)`)
tell(`seed ${seed}`)

const KEYS = Object.fromEntries(['first', 'second', 'other'].map((name, i) => {
  const letter = 'ABC'[i]
  return [name, `${letter.repeat(18)}:${letter.toLowerCase().repeat(18)}:${`${letter}secret${i}`.repeat(4)}`]
}))
const { other, ...rotated } = KEYS
const secrets = Object.values(KEYS).map(key => key.split(':')[2])
const journal = new Journal(secrets)
let isStopping = false
const ledger = join(scratch, 'ledger')
const way = new Way()
if (!way.isMortal) tell('no connection dies without a word: that takes root, and ip of iproute2')
const trust = new Trust(scratch, way.address)
await trust.begin()
const upstream = new Upstream(ledger, KEYS, trust, way)
const rotation = new Rotation(join(scratch, 'key'), rotated)
await upstream.start()
const proxy = await startProxy()
const base = proxy.usage()
const listeners = {
  main: { name: 'main', address: addressOf(proxy.addresses[0]), keys: Object.keys(rotated) },
  socket: { name: 'socket', address: addressOf(proxy.addresses[1]), keys: ['other'] },
  reading: { name: 'reading', address: addressOf(proxy.addresses[2]), keys: Object.keys(rotated) }
}
const soak = { journal, upstream, way, rotation, listeners }
const crowd = new IdleCrowd(soak)

await crowd.open(idle)
tell(`${crowd.size} idle connections are open`)
await trouble(Math.max(MIN_WARM_UP_SECONDS, Math.min(MAX_WARM_UP_SECONDS, seconds / 3)), seed + 1)
const before = await settled()
tell('warmed up')
await trouble(seconds, seed)
const after = await settled()
crowd.close()
const left = await settled()

isStopping = true
proxy.signal('SIGTERM')
const code = await proxy.ended
if (code !== 0) journal.report('the proxy did not end in order', code)
await upstream.kill()
journal.compare(ledger)
judgeUse()
judgeWork()
print()
process.exit(journal.violations > 0 ? 1 : 0)

async function startProxy () {
  writeFileSync(join(scratch, 'other'), `${other}\n`, { mode: 0o600 })
  writeFileSync(join(scratch, 'config'), JSON.stringify({
    'maas-url': `https://${way.address}:${upstream.port}/MAAS`,
    'ca-file': trust.file,
    'api-key-file': join(scratch, 'key'),
    listeners: [
      { listen: '127.0.0.1:0', deny: ['POST machines/*?op=release'] },
      { listen: `unix:${join(scratch, 'socket')}`, 'api-key-file': join(scratch, 'other') },
      { listen: '127.0.0.1:0', 'read-only': true }
    ]
  }))
  const proxy = new Proxy(resolve(values.program), join(scratch, 'config'), secrets, journal.report)
  for (let i = 0; proxy.addresses.length < 3; i++) {
    if (i * SAMPLE_MS > START_TIMEOUT_MS || await Promise.race([proxy.ended, wait(SAMPLE_MS)]) !== undefined) throw new Error(`the proxy does not start: ${journal.shown.join('\n')}`)
  }
  proxy.ended.then(code => {
    if (!isStopping) throw new Error(`the proxy ended with ${code}: ${journal.shown.join('\n')}`)
  })
  return proxy
}

function addressOf (address) {
  return address.startsWith('unix:') ? { path: address.slice(5) } : { host: '127.0.0.1', port: Number(new URL(address).port) }
}

/** Load and faults at once, for so long. */
async function trouble (seconds, seed) {
  const end = performance.now() + seconds * 1000
  const isOver = () => performance.now() > end
  await Promise.all([
    keepBusy(soak, busy, seed, isOver),
    upstream.die(new Random(seed + 2), isOver),
    rotation.run(proxy, new Random(seed + 3), isOver, journal.report),
    trust.run(proxy, upstream, isOver, journal.report),
    way.run(seconds, isOver)
  ])
  await way.noticed()
}

/** What is used in some seconds of rest, in the median, with no connection to MAAS left. */
async function settled () {
  await upstream.kill()
  await upstream.start()
  const samples = []
  for (let i = 0; i * SAMPLE_MS < Math.min(MAX_REST_MS, seconds * 200); i++) {
    await wait(SAMPLE_MS)
    samples.push(proxy.usage())
  }
  return Object.fromEntries(Object.keys(base).map(name =>
    [name, samples.map(sample => sample[name]).sort((one, other) => one - other)[samples.length >> 1]]))
}

function judgeUse () {
  if (after.mib - before.mib > MAX_GROWN_MIB) journal.report('memory grows', `from ${before.mib.toFixed(0)} to ${after.mib.toFixed(0)} MiB`)
  if (after.descriptors - before.descriptors > MAX_GROWN_DESCRIPTORS) journal.report('descriptors grow', `from ${before.descriptors} to ${after.descriptors}`)
  if (left.descriptors - base.descriptors > MAX_GROWN_DESCRIPTORS) journal.report('descriptors are left', `${left.descriptors}, of ${base.descriptors} at the start`)
}

/** A soak that did nothing has shown nothing. */
function judgeWork () {
  const undone = [
    ...Object.keys(KINDS).filter(kind => !journal.counts.has(`asked: ${kind}`)),
    ...upstream.deaths < seconds / 3 ? ['deaths of the upstream'] : [],
    ...rotation.done < seconds / 4 ? ['changes of the key'] : [],
    ...trust.changes === 0 ? ['a change of the CA'] : [],
    ...way.isMortal && way.deaths === 0 ? ['a silent death of the connections'] : [],
    ...rotation.stalls === 0 ? ['a log that nobody reads'] : [],
    ...journal.counts.has('seen: answered') ? [] : ['answers'],
    ...journal.counts.has('seen: MAAS_PROXY_UPSTREAM_REFUSED') ? [] : ['answers while the upstream was away']
  ]
  if (undone.length > 0) journal.report('something was not done', undone.join(', '))
}

function print () {
  const use = ({ mib, descriptors, sockets }) => `${mib.toFixed(0)} MiB, ${descriptors} descriptors, ${sockets} of them sockets`
  const { counts } = journal
  console.log(asTable([
    [`Seed ${seed}, ${seconds} s`, [['idle connections', idle], ['closed by the proxy after a minute', crowd.closings], ['busy connections', busy], ['records of the proxy', proxy.records], ['records that nobody read, dropped', proxy.dropped]]],
    ['Asked', countsOf(counts, 'asked')],
    ['Seen', countsOf(counts, 'seen')],
    ['Writes, as the upstream has them', countsOf(counts, 'writes')],
    ['Faults', [['upstream killed', upstream.deaths], ['connections lost without a word', way.deaths], ['key changed', rotation.done], ['key file broken', rotation.broken], ['SIGHUP', rotation.signals], ['log not read', rotation.stalls], ['CA changed', trust.changes]]],
    ['The proxy uses', [['at the start', use(base)], ['after the warm-up', use(before)], ['at the end', use(after)], ['without any connection', use(left)]]],
    ['Violations', [['all', journal.violations], ...countsOf(counts, 'violation')]]
  ]))
  for (const text of journal.shown) console.log(`\n${text}`)
}
