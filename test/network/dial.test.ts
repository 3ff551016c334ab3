import t from 'tap'
import { once } from 'node:events'
import dns, { type LookupAddress } from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, isIP, type Socket } from 'node:net'
import { EgressProxy } from '../../src/http/egress-proxy.ts'
import { Dialer, interleave, withDeadline } from '../../src/upstream/dial.ts'
import { deafServer } from '../helper/deaf-server.ts'
import { startProgram } from '../helper/process.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, keptUpstream, OK } from '../helper/sockets.ts'

const MACHINES = get('/MAAS/api/2.0/machines/')
const DEAF = '127.0.0.3'
const SLOW = '127.0.0.2'
const GOOD = '127.0.0.1'

interface Test { after: (restore: () => void) => void }

type Lookup = (done: (error: Error | null, all?: LookupAddress[]) => void) => void

/** Replaces the lookup of `maas.test` until the test is over, for this process. */
function replaceLookup (t: Test, lookup: Lookup): void {
  const original = dns.lookup
  const replace = (by: unknown) => {
    dns.lookup = by as typeof dns.lookup
    syncBuiltinESMExports()
  }
  replace((name: string, options: { all: true }, done: Parameters<Lookup>[0]) => {
    if (name === 'maas.test') lookup(done)
    else original(name, options, done)
  })
  t.after(() => { replace(original) })
}

/** Replaces the addresses of `maas.test` by those of the returned object, which the test may change. */
function nameServer (t: Test): { addresses: string[] } {
  const server = { addresses: [] as string[] }
  const toRecord = (address: string) => ({ address, family: isIP(address) })
  replaceLookup(t, done => { setImmediate(done, null, server.addresses.map(toRecord)) })
  return server
}

const secondsSince = (start: number) => (performance.now() - start) / 1000

t.test('one of several addresses that answers is enough, and is asked first the next time', async t => {
  const names = nameServer(t)
  const upstream = await keptUpstream(t, socket => { socket.end(OK) })
  await deafServer(t, DEAF, upstream.port)
  const slow = await deafServer(t, SLOW, upstream.port)
  const proxy = await startTestProxy(t, testConfig(`http://maas.test:${upstream.port}/MAAS`, { connectTimeoutMs: ['8s'] }))
  const rows: Array<[reason: string, all: string[], wanted: string, longest: number]> = [
    ['the second answers', [DEAF, GOOD], 'ok', 3],
    ['the second refuses, the third answers', [DEAF, '127.0.0.4', GOOD], 'ok', 3],
    ['the last one that answered is the last of many', [DEAF, SLOW, GOOD], 'ok', 3],
    ['one is dead, and a SYN to the other was lost', [DEAF, SLOW], SLOW, 7],
    ['the only one, to which a SYN was lost', [SLOW], SLOW, 7]
  ]
  for (const [reason, all, wanted, longest] of rows) {
    names.addresses = all
    if (wanted === SLOW) setTimeout(slow.wake, 600)
    const start = performance.now()
    t.match(await exchange(proxy.port, MACHINES), new RegExp(`^HTTP/1.1 200 [^]*${wanted}$`), reason)
    t.ok(secondsSince(start) < longest, `${reason}: ${secondsSince(start)} s`)
  }
  t.equal(upstream.sockets.length, 3, 'the address that answered last got no connection that was not used')
})

t.test('an address that MAAS has no more is left within a minute, while requests go on', async t => {
  const names = nameServer(t)
  const { now } = performance
  const { now: wallNow } = Date
  let passed = 0
  performance.now = () => now.call(performance) + passed
  Date.now = () => wallNow() + passed
  t.teardown(() => { Object.assign(performance, { now }); Date.now = wallNow })
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const sockets: Socket[] = []
  const upstream = await keptUpstream(t, socket => { socket.write(answer) })
  const moved = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {}).on('data', () => socket.write(answer))
  }).listen(upstream.port, '127.0.0.6')
  await once(moved, 'listening')
  t.teardown(() => { for (const socket of sockets) socket.destroy(); moved.close() })
  names.addresses = [GOOD]
  const proxy = await startTestProxy(t, testConfig(`http://maas.test:${upstream.port}/MAAS`))
  t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /)
  names.addresses = ['127.0.0.6']
  for (let seconds = 0; seconds < 60; seconds += 10) {
    passed += 10_000
    t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /)
  }
  t.equal(upstream.sockets.length, 1, 'the old address got no other connection')
  t.equal(sockets.length, 1, 'the new one got one')
})

t.test('the time to connect is one for all: name, addresses, egress proxy and TLS', async t => {
  const names = nameServer(t)
  const silent = await keptUpstream(t, () => {})
  await deafServer(t, DEAF, silent.port)
  await deafServer(t, SLOW, silent.port)
  const through = (host: string) => new EgressProxy(`http://${host}:${silent.port}`, null)
  const rows: Array<[reason: string, all: string[], scheme: string, egress: EgressProxy | null, code: string]> = [
    ['a lone address that is silent', [DEAF], 'http', null, 'CONNECT_TIMED_OUT'],
    ['two of them', [DEAF, SLOW], 'http', null, 'CONNECT_TIMED_OUT'],
    ['one is silent, one refuses', [DEAF, '127.0.0.4'], 'http', null, 'CONNECT_TIMED_OUT'],
    ['both refuse', ['127.0.0.5', '127.0.0.4'], 'http', null, 'UPSTREAM_REFUSED'],
    ['TLS is not answered', [GOOD], 'https', null, 'CONNECT_TIMED_OUT'],
    ['the egress proxy is silent', [], 'http', through(DEAF), 'EGRESS_UNREACHABLE'],
    ['the egress proxy does not answer CONNECT', [], 'https', through(GOOD), 'CONNECT_TIMED_OUT']
  ]
  for (const [reason, all, scheme, egress, code] of rows) {
    names.addresses = all
    const config = await testConfig(`${scheme}://maas.test:${silent.port}/MAAS`, { connectTimeoutMs: ['1s'] })
    const proxy = await startTestProxy(t, { ...config, egress })
    const start = performance.now()
    t.equal(jsonBody(await exchange(proxy.port, MACHINES)).error?.code, `MAAS_PROXY_${code}`, reason)
    t.ok(secondsSince(start) < 5, `${reason}: ${secondsSince(start)} s`)
  }
})

t.test('check waits for an address as long as a request does', async t => {
  const upstream = await keptUpstream(t, socket => { socket.end(OK) })
  const slow = await deafServer(t, SLOW, upstream.port)
  const program = startProgram(t, ['check', '--maas-url', `http://${SLOW}:${upstream.port}/MAAS`], { MAAS_API_KEY: 'c:t:s' })
  await program.printed('ok    name')
  setTimeout(slow.wake, 600)
  await program.printed(`${SLOW} accepts connections`)
})

t.test('families take turns, each in its order (RFC 8305 section 4)', async t => {
  const rows: Array<[given: string[], wanted: string[], reason: string]> = [
    [['::1', '::2', '1.1.1.1', '1.1.1.2'], ['::1', '1.1.1.1', '::2', '1.1.1.2'], 'the first family begins'],
    [['1.1.1.1', '1.1.1.2', '::1'], ['1.1.1.1', '::1', '1.1.1.2'], 'one has fewer'],
    [['1.1.1.1', '::1'], ['1.1.1.1', '::1'], 'they do already'],
    [['1.1.1.1', '1.1.1.2'], ['1.1.1.1', '1.1.1.2'], 'one family']
  ]
  for (const [given, wanted, reason] of rows) {
    t.strictSame(interleave(given.map(address => ({ address, family: isIP(address) }))), wanted, reason)
  }
})

t.test('a name server that fails takes away no address that is known', async t => {
  const upstream = await keptUpstream(t, socket => { socket.end(OK) })
  let lookups = 0
  let answer: Lookup = () => {}
  replaceLookup(t, done => { lookups++; answer(done) })
  const failing = (code: string): Lookup => done => { setImmediate(done, Object.assign(new Error(code), { code })) }
  const right: Lookup = done => { setImmediate(done, null, [{ address: GOOD, family: 4 }]) }
  const dialer = new Dialer()
  const dial = async () => {
    const socket = await withDeadline(6000, async signal => await dialer.dial('maas.test', upstream.port, signal))
    socket.destroy()
    return 'connected'
  }
  const rows: Array<[reason: string, given: Lookup, wanted: string]> = [
    ['no answer, and nothing is known', () => {}, 'EAI_AGAIN'],
    ['a failure, and nothing is known', failing('EAI_AGAIN'), 'EAI_AGAIN'],
    ['an answer', right, 'connected'],
    ['a failure', failing('EAI_AGAIN'), 'connected'],
    ['the name is gone', failing('ENOTFOUND'), 'ENOTFOUND'],
    ['no answer', () => {}, 'connected']
  ]
  for (const [reason, given, wanted] of rows) {
    answer = given
    // A lookup that never ends is one for all: here, in a dialer of its own.
    const result = reason.startsWith('no answer, and')
      ? withDeadline(200, async signal => await new Dialer().dial('maas.test', 1, signal))
      : dial()
    t.equal(await result.catch((error: NodeJS.ErrnoException) => error.code), wanted, reason)
  }
  answer = right
  lookups = 0
  const others = new Dialer()
  const all = await Promise.all(Array.from({ length: 12 }, async () => await withDeadline(6000, async signal => await others.dial('maas.test', upstream.port, signal))))
  for (const socket of all) socket.destroy()
  t.equal(lookups, 1, 'twelve at once ask once')
})
