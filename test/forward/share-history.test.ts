import t from 'tap'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { createLogger } from '../../src/observe/log/logger.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { contradictions, type Operation } from '../helper/linearizability.ts'
import { testConfig } from '../helper/proxy.ts'

/** For longer runs: SHARE_STEPS=1000000 SHARE_SEED=7 node test/forward/share-history.test.ts */
const STEPS = Number(process.env['SHARE_STEPS'] ?? 3000)
const SEED = Number(process.env['SHARE_SEED'] ?? 1)

const CLIENTS = 24
const STEPS_PER_ROUND = 1000
const USER = '{"username":"admin"}'

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomOf (seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A MAAS with one number that writes raise. It reads the number at some moment before it answers. */
async function startCounter (random: () => number) {
  let version = 0
  const counts = { reads: 0, closed: 0 }
  const pause = async () => { if (random() < 0.7) await wait(random() * 3) }
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.url?.includes('whoami') === true) return outgoing.end(USER)
    const isRead = incoming.method === 'GET'
    if (isRead) counts.reads++
    await pause()
    const answer = isRead ? version : ++version
    await pause()
    if (isRead && random() < 0.01) {
      counts.closed++
      return incoming.socket.destroy()
    }
    outgoing.setHeader('Content-Type', 'application/json')
    outgoing.write(`{"version":${answer}`)
    if (random() < 0.2) await pause()
    outgoing.end(`,"filler":"${'x'.repeat(random() < 0.1 ? 100_000 : 10)}"}`)
  })
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/MAAS`, server, counts }
}

/** What a client asks: each line is shared with its like only. */
const READS: ReadonlyArray<[query: string, headers: Record<string, string>]> = [
  ['', {}], ['', { 'User-Agent': 'another' }], ['', { Accept: '*/*' }], ['?zone=a', {}]
]

let clock = 0

interface Step { port: number, agent: Agent, random: () => number }

/** Makes one random request. @returns null if it has no answer, because the client or MAAS left */
async function step ({ port, agent, random }: Step): Promise<Operation | null> {
  const isWrite = random() < 0.15
  const leavesAfter = !isWrite && random() < 0.1 ? random() * 6 : null
  const [query, headers] = READS[Math.floor(random() * random() * READS.length)] as typeof READS[number]
  return await new Promise(resolve => {
    const began = ++clock
    const outgoing = request({
      port, host: '127.0.0.1', agent, path: `/MAAS/api/2.0/machines/${query}`, method: isWrite ? 'PUT' : 'GET', headers
    }, response => {
      let text = ''
      response.on('data', chunk => { text += chunk }).on('error', () => {}).on('close', () => {
        if (!response.complete || response.statusCode !== 200) return resolve(null)
        const { version } = JSON.parse(text) as { version: number }
        resolve({ kind: isWrite ? 'write' : 'read', version, began, ended: ++clock })
      })
    }).on('error', () => { resolve(null) }).end()
    if (leavesAfter !== null) setTimeout(() => { outgoing.destroy() }, leavesAfter)
  })
}

/** Lets clients ask at random. @returns what they were told */
async function playRound (ports: readonly number[], steps: number, random: () => number): Promise<Operation[]> {
  const history: Operation[] = []
  let left = steps
  await Promise.all(Array.from({ length: CLIENTS }, async (_, i) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (left-- > 0) {
      if (random() < 0.2) await wait(random() * 5)
      const operation = await step({ port: ports[i % ports.length] as number, agent, random })
      if (operation !== null) history.push(operation)
    }
    agent.destroy()
  }))
  return history
}

t.test('the checker of histories finds what is older than what was known', async t => {
  type Row = [kind: Operation['kind'], version: number, began: number, ended: number]
  const rows: Array<[history: Row[], count: number, reason: string]> = [
    [[], 0, 'nothing'],
    [[['write', 1, 1, 4], ['read', 0, 2, 5], ['read', 1, 3, 6]], 0, 'while a write runs, either version'],
    [[['write', 1, 1, 2], ['read', 1, 3, 4]], 0, 'what was written'],
    [[['write', 1, 1, 2], ['read', 0, 3, 4]], 1, 'an old version after a write was answered'],
    [[['write', 1, 1, 9], ['read', 1, 2, 3], ['read', 0, 4, 5]], 1, 'an old version after somebody has got the new one'],
    [[['write', 1, 1, 9], ['read', 1, 2, 4], ['read', 0, 3, 5]], 0, 'both at the same time'],
    [[['write', 2, 1, 2], ['write', 1, 3, 4]], 1, 'writes in the wrong order'],
    [[['write', 1, 1, 2], ['write', 1, 3, 4]], 1, 'one write for two'],
    [[['read', 1, 1, 2], ['write', 1, 3, 4]], 2, 'a version before it was written']
  ]
  for (const [history, count, reason] of rows) {
    const operations = history.map(([kind, version, began, ended]) => ({ kind, version, began, ended }))
    t.equal(contradictions(operations).length, count, reason)
  }
})

t.test(`no read is older than what was known when it began: ${STEPS} random steps of ${CLIENTS} clients, seed ${SEED}`, {
  timeout: 60_000 + STEPS * 20
}, async t => {
  const random = randomOf(SEED)
  const totals = { steps: 0, operations: 0, reads: 0, sent: 0, closed: 0 }
  for (let left = STEPS; left > 0; left -= STEPS_PER_ROUND) {
    const maas = await startCounter(random)
    const settings = { maxMaasRequests: [String(1 + Math.floor(random() * 4))], shareReads: ['true'], listen: ['127.0.0.1:0', '127.0.0.1:0'] }
    const logger = createLogger('fatal', 'json', new Writable({ write: (_chunk, _encoding, done) => { done() } }))
    const proxy = await startProxy(await testConfig(maas.url, settings), logger)
    const ports = proxy.addresses.map(address => Number(new URL(address).port))
    const steps = Math.min(left, STEPS_PER_ROUND)
    const history = await playRound(ports, steps, random)
    await proxy.stop()
    maas.server.close()
    const found = contradictions(history)
    if (found.length > 0) t.strictSame(found, [], `with ${settings.maxMaasRequests[0]} at once`)
    totals.steps += steps
    totals.operations += history.length
    totals.reads += history.filter(({ kind }) => kind === 'read').length
    totals.sent += maas.counts.reads
    totals.closed += maas.counts.closed
  }
  t.comment(JSON.stringify(totals))
  t.ok(totals.operations > totals.steps / 2, 'most steps have an answer')
  t.ok(totals.sent < totals.reads * 0.7, `${totals.reads} reads cost ${totals.sent} requests`)
})
