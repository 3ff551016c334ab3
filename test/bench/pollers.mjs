// npm run bench:pollers: what --max-maas-requests and --share-reads do for a MAAS with 2,000 machines (12 MB) that many
// clients list: ten pollers, a client that asks for the list forty times in parallel, as Terraform does, and a writer.
// It takes about three minutes. Linux only: it reads /proc.
//
//   --service MS   how long MAAS works on a list; a real one with 2,000 machines takes some 24 s
//   --limit N      the value of --max-maas-requests
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import { launch, OURS } from './peers.mjs'
import { freePort, listening, peakMib, start, stop } from './processes.mjs'
import { quantile } from './stats.mjs'

const POLLERS = 10
const POLLS = 6
const POLL_PAUSE_MS = 1000
const BURSTS = 2
const BURST = 40
const WRITE_PAUSE_MS = 100

const { values: { service, limit } } = parseArgs({
  options: { service: { type: 'string', default: '1000' }, limit: { type: 'string', default: '2' } }
})
const LIMIT = ['--max-maas-requests', limit]

const VARIANTS = [
  ['neither', []],
  [LIMIT.join(' '), LIMIT],
  ['and --share-reads', [...LIMIT, '--share-reads']]
]

console.log(`${POLLERS} pollers with ${POLLS} lists each, ${BURSTS} times ${BURST} lists in parallel, a writer; MAAS works ${service} ms on a list, on four requests at once`)
const rows = []
for (const [name, flags] of VARIANTS) rows.push({ '': name, ...await measure(flags) })
console.table(rows)
const [without, , shared] = rows
const saved = 1 - shared['lists at MAAS'] / without['lists at MAAS']
console.log(`${(saved * 100).toFixed(0)} % fewer lists`)
process.exit(saved >= 0.7 && shared['old answers'] === 0 && shared['read p50 s'] <= without['read p50 s'] ? 0 : 1)

async function measure (flags) {
  const port = await freePort()
  const maas = start([process.execPath, fileURLToPath(new URL('pollers-upstream.mjs', import.meta.url)), String(port), service])
  await listening(maas, port)
  const upstream = `http://127.0.0.1:${port}`
  const proxy = await launch(withFlags(flags), { upstream })
  const figures = await play(proxy.url)
  const { lists } = JSON.parse(await textOf(`${upstream}/counts`))
  const memory = peakMib(proxy.child)
  await Promise.all([stop(proxy.child), stop(maas)])
  const seconds = (values, share) => Number((quantile(values, share) / 1000).toFixed(2))
  return {
    'lists at MAAS': lists,
    'wall s': Number((figures.wall / 1000).toFixed(1)),
    'read p50 s': seconds(figures.reads, 0.5),
    'read p99 s': seconds(figures.reads, 0.99),
    'write p50 s': seconds(figures.writes, 0.5),
    'write p99 s': seconds(figures.writes, 0.99),
    'old answers': figures.old,
    'peak MiB': Math.round(memory)
  }
}

/** Ours, without rules. */
function withFlags (flags) {
  const start = settings => {
    const { command: [node, dashes, program, listen, address], ...options } = OURS.start(settings)
    return { ...options, command: [node, dashes, program, listen, address, ...flags, '--queue-timeout', '300s'] }
  }
  return { ...OURS, start }
}

/** Lets the clients ask. @returns milliseconds of reads and writes, of all of it, and how many answers were old */
async function play (url) {
  const figures = { reads: [], writes: [], old: 0, wall: 0 }
  let known = 0
  const clients = { left: POLLERS + 1 }
  const list = async (agent, headers) => {
    const before = known
    const { ms, version } = await ask(url, { agent, headers })
    figures.reads.push(ms)
    if (version < before) figures.old++
    known = Math.max(known, version)
  }
  const writer = async () => {
    for (const agent = newAgent(); clients.left > 0; await wait(WRITE_PAUSE_MS)) {
      const { ms, version } = await ask(url, { agent, method: 'PUT', path: 'machines/node1/', headers: { 'User-Agent': 'ansible' } })
      figures.writes.push(ms)
      known = Math.max(known, version)
    }
  }
  const poller = async (_, i) => {
    const agent = newAgent()
    await wait(i * POLL_PAUSE_MS / POLLERS)
    for (let poll = 0; poll < POLLS; poll++, await wait(POLL_PAUSE_MS)) await list(agent, { 'User-Agent': `poller ${i}` })
  }
  const terraform = async () => {
    const headers = { 'User-Agent': 'Go-http-client/1.1', 'Accept-Encoding': 'gzip' }
    for (let burst = 0; burst < BURSTS; burst++) {
      await Promise.all(Array.from({ length: BURST }, async () => await list(newAgent(), headers)))
    }
  }
  const began = performance.now()
  const writing = writer()
  const readers = [...Array.from({ length: POLLERS }, poller), terraform()]
  await Promise.all(readers.map(async reader => await reader.finally(() => clients.left--)))
  figures.wall = performance.now() - began
  await writing
  return figures
}

function newAgent () { return new Agent({ keepAlive: true, maxSockets: 1 }) }

/** Asks, and takes the whole answer. @throws if it is no 200, or not whole */
async function ask (url, { agent, method = 'GET', path = 'machines/', headers }) {
  const began = performance.now()
  const outgoing = request(`${url}/MAAS/api/2.0/${path}`, { agent, method, headers }).end()
  const [incoming] = await once(outgoing, 'response')
  incoming.resume()
  await once(incoming, 'close')
  if (incoming.statusCode !== 200 || !incoming.complete) throw new Error(`${method} ${path}: ${incoming.statusCode}, ${incoming.complete ? 'whole' : 'cut off'}`)
  return { ms: performance.now() - began, version: Number(incoming.headers['x-version']) }
}

async function textOf (url) {
  const [incoming] = await once(request(url).end(), 'response')
  return (await incoming.toArray()).join('')
}
