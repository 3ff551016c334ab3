import t from 'tap'
import { chmodSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Lane, RequestQueue, type Turn } from '../../src/upstream/queue.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { closed, exchange, get, jsonBody, OK, rawUpstream, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

/** More than there are connections to MAAS. */
const MANY = 300

const USER = '{"username":"admin"}'
const WHOAMI = `HTTP/1.1 200 OK\r\nContent-Length: ${USER.length}\r\nConnection: close\r\n\r\n${USER}`

/** A MAAS that answers what has no body, and waits for the body of everything else. */
async function patientUpstream (t: Parameters<typeof rawUpstream>[0]) {
  return await rawUpstream(t, (socket, head) => {
    if (head.includes('whoami')) socket.write(WHOAMI)
    else if (!/content-length|transfer-encoding/i.test(head)) socket.write(OK)
  })
}

/** Opens connections that send one byte of a body, and no more. */
function trickle (t: Parameters<typeof rawUpstream>[0], port: number, count: number, ...fields: string[]): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    socket.write(get('/MAAS/api/2.0/machines/', 'Content-Length: 10', ...fields) + 'x')
    return socket
  })
}

const portOf = (address = '') => Number(new URL(address).port)

t.test('no listener and no client can take all turns', async t => {
  const rows: Array<[
    arrivals: Array<[listener: number, client: string | null, count: number]>, running: number[], reason: string
  ]> = [
    [[[0, null, MANY]], [128], 'one listener has half of them'],
    [[[0, null, 3]], [3], 'few requests wait for nothing'],
    [[[0, null, MANY], [1, null, MANY]], [128, 64], 'the next one half of the rest'],
    [[[0, null, MANY], [1, null, MANY], [2, null, MANY], [3, null, MANY]], [128, 64, 32, 16], 'and so on'],
    [[[0, 'alice', MANY]], [86], 'one client of a listener with names leaves some for the others'],
    [[[0, 'alice', MANY], [0, 'bob', MANY]], [86, 28], 'who get theirs'],
    [[[0, 'alice', MANY], [1, null, MANY]], [86, 85], 'and so do other listeners']
  ]
  for (const [arrivals, wanted, reason] of rows) {
    const queue = new RequestQueue({ connections: 256, maxRunning: 256, timeoutMs: 60_000 })
    const lanes = [0, 1, 2, 3].map(() => new Lane(queue))
    const member = { onTurn: () => t.fail('nobody leaves'), onTurnMissed: () => t.fail('nobody waits for so long') }
    const turns = arrivals.map(([listener, client, count]) =>
      Array.from({ length: count }, () => (lanes[listener] as Lane).enter(client, member)))
    t.strictSame(turns.map(turns => turns.filter(({ state }) => state === 'running').length), wanted, reason)
    t.equal(queue.waiting, turns.flat().filter(({ state }) => state === 'waiting').length, `${reason}: the rest waits`)
    for (const turn of turns.flat().reverse()) (lanes[0] as Lane).leave(turn)
    t.equal(queue.waiting, 0, `${reason}: and can leave`)
  }
})

t.test('a client without requests takes no memory', async t => {
  const lane = new Lane(new RequestQueue({ connections: 8, maxRunning: 8, timeoutMs: 60_000 }))
  const member = { onTurn: () => {}, onTurnMissed: () => t.fail('waited for too long') }
  const enter = (client: string | null) => lane.enter(client, member)
  const leave = (turn: Turn) => { lane.leave(turn) }
  for (let i = 0; i < 1000; i++) leave(enter(`user ${i}`))
  t.equal(lane.clients, 0, 'after its only request')
  const turns = ['alice', 'alice', 'alice', 'alice', 'bob', null].map(enter)
  t.equal(lane.clients, 2)
  const [first, ...others] = turns
  leave(first as Turn)
  t.equal(lane.clients, 2, 'while it has others')
  for (const turn of others) leave(turn)
  t.equal(lane.clients, 0, 'after the last of many')
  const next = enter('alice')
  leave(first as Turn)
  t.equal(lane.clients, 1, 'who leaves twice takes nothing from the next')
  leave(next)
})

t.test('a free connection goes to the share with the fewest, in order of arrival', async t => {
  const queue = new RequestQueue({ connections: 8, maxRunning: 8, timeoutMs: 60_000 })
  const [busy, other] = [new Lane(queue), new Lane(queue)]
  const order: string[] = []
  const turns: Turn[] = []
  const enter = (lane: Lane, client: string | null, name: string) => {
    turns.push(lane.enter(client, { onTurn: () => { order.push(name) }, onTurnMissed: () => t.fail(name) }))
  }
  for (let i = 1; i <= 6; i++) enter(busy, null, `busy ${i}`)
  for (let i = 1; i <= 4; i++) enter(other, 'alice', `alice ${i}`)
  enter(other, 'bob', 'bob 1')
  t.strictSame(turns.map(({ state }) => state[0]).join(''), 'rrrrwwrrwww', 'four, and two')
  queue.leave(turns[0] as Turn)
  queue.leave(turns[1] as Turn)
  queue.leave(turns[1] as Turn)
  t.strictSame(order, ['bob 1', 'busy 5'], 'a turn is given back once')
  queue.leave(turns[2] as Turn)
  queue.leave(turns[3] as Turn)
  t.strictSame(order, ['bob 1', 'busy 5', 'busy 6'], 'a listener without requests is served again')
  for (const turn of turns.reverse()) queue.leave(turn)
  t.strictSame(order.slice(3), [], 'who has left is not called')
})

t.test('a limit of running requests is used wholly, whoever is there', async t => {
  const rows: Array<[
    maxRunning: number,
    arrivals: Array<[listener: number, client: string | null, count: number]>,
    running: number[],
    reason: string
  ]> = [
    [1, [[0, null, 3]], [1], 'one at a time'],
    [4, [[0, null, 9]], [4], 'one listener gets all'],
    [64, [[0, 'alice', 99]], [64], 'and so does one client, up to the largest limit'],
    [4, [[0, null, 3], [1, null, 3]], [3, 1], 'nobody is turned away for another who may come']
  ]
  for (const [maxRunning, arrivals, wanted, reason] of rows) {
    const queue = new RequestQueue({ connections: 256, maxRunning, timeoutMs: 60_000 })
    const lanes = [new Lane(queue), new Lane(queue)]
    const member = { onTurn: () => {}, onTurnMissed: () => t.fail('nobody waits for so long') }
    const turns = arrivals.map(([listener, client, count]) =>
      Array.from({ length: count }, () => (lanes[listener] as Lane).enter(client, member)))
    t.strictSame(turns.map(turns => turns.filter(({ state }) => state === 'running').length), wanted, reason)
    for (const turn of turns.flat().reverse()) queue.leave(turn)
    t.equal(queue.waiting, 0, `${reason}: and all leave`)
  }
})

t.test('limits of the queue may change while requests wait', async t => {
  const queue = new RequestQueue({ connections: 256, maxRunning: 1, timeoutMs: 60_000 })
  const lane = new Lane(queue)
  const began: number[] = []
  const missed: number[] = []
  const enter = (i: number) => (
    lane.enter(null, { onTurn: () => { began.push(i) }, onTurnMissed: () => { missed.push(i) } })
  )
  const turns = [0, 1, 2, 3].map(enter)
  queue.setLimits({ maxRunning: 3, timeoutMs: 1 })
  t.strictSame(began, [1, 2], 'more turns begin at once')
  const late = enter(4)
  await until('a request that came later waits for the new time', () => missed.length > 0)
  t.strictSame([missed, queue.waiting], [[4], 1], 'one that waited keeps its own')
  queue.setLimits({ maxRunning: 1, timeoutMs: 60_000 })
  queue.leave(turns[0] as Turn)
  t.equal(queue.waiting, 1, 'with less turns none begins until there are less')
  for (const turn of [...turns, late].reverse()) queue.leave(turn)
})

t.test('under a limit a turn goes to the client with the fewest, then to the oldest request', async t => {
  const queue = new RequestQueue({ connections: 256, maxRunning: 2, timeoutMs: 60_000 })
  const lane = new Lane(queue)
  const order: string[] = []
  const turns = (['poller', 'poller', 'poller', 'poller', 'writer', 'other', 'writer'] as const).map((client, i) =>
    lane.enter(client, { onTurn: () => { order.push(`${client} ${i}`) }, onTurnMissed: () => t.fail(client) }))
  queue.leave(turns[0] as Turn)
  t.strictSame(order, ['writer 4'], 'who has none goes before the third of another')
  queue.leave(turns[1] as Turn)
  t.strictSame(order, ['writer 4', 'poller 2'], 'of those who have none, the one who has waited longest')
  queue.leave(turns[4] as Turn)
  t.strictSame(order, ['writer 4', 'poller 2', 'other 5'], 'then the next of them')
  for (const turn of turns.reverse()) queue.leave(turn)
})

t.test('MAAS never works on more requests at once than --max-maas-requests', async t => {
  const held: Socket[] = []
  const upstream = await rawUpstream(t, socket => { held.push(socket) })
  const proxy = await startTestProxy(t, testConfig(upstream.url, { maxMaasRequests: ['2'] }))
  const answers = Array.from({ length: 6 }, async () => await exchange(proxy.port, get('/MAAS/api/2.0/machines/')))
  for (let left = 6; left > 0; left--) {
    await until('MAAS has as many as it may', () => held.length >= Math.min(2, left))
    t.equal(held.length, Math.min(2, left), `${left} are not answered yet`)
    held.shift()?.write(OK)
  }
  for (const answer of await Promise.all(answers)) t.match(answer, 'HTTP/1.1 200 ')
  const waited = await proxy.logged(({ queuedMs }) => queuedMs !== undefined)
  t.match(waited, { status: 200, attempts: undefined }, 'the record of one that waited says so')
})

t.test('one client that trickles its bodies silences neither other listeners nor other clients', async t => {
  const upstream = await patientUpstream(t)
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\nbob fedcba9876543210\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const rows: Array<[flags: object, trickler: string[], other: string[], listener: number, reason: string]> = [
    [{ readOnly: ['true'], listen: ['127.0.0.1:0', '127.0.0.1:0'] }, [], [], 1, 'another listener'],
    [{ clientTokenFile: [`${dir}/tokens`] }, ['MAAS-Proxy-Token: 0123456789abcdef'], ['MAAS-Proxy-Token: fedcba9876543210'], 0, 'another client of the listener']
  ]
  for (const [flags, trickler, other, listener, reason] of rows) {
    const proxy = await startTestProxy(t, testConfig(upstream.url, { ...flags, queueTimeoutMs: ['1s'] }))
    const before = upstream.sockets.length
    const sockets = trickle(t, proxy.port, MANY, ...trickler)
    const refused = await Promise.race(sockets.map(async socket => await readAll(socket)))
    t.match(refused, /^HTTP\/1\.1 503 [^]*retry-after: 5\r\nmaas-proxy-error: MAAS_PROXY_QUEUE_TIMED_OUT\r\n/i, `${reason}: who waits for too long is told so, and when to come again`)
    t.match(jsonBody(refused).error, { message: /was not sent/, remedy: /--queue-timeout/ })
    t.match(await exchange(portOf(proxy.addresses[listener]), get('/MAAS/api/2.0/version/', ...other)), /^HTTP\/1\.1 200 /, `${reason} is served`)
    t.match(await exchange(proxy.port, get('/-/ready')), /^HTTP\/1\.1 200 /, `${reason}: and the proxy is ready, by a connection of its own`)
    const record = await proxy.logged(({ error }) => error === 'MAAS_PROXY_QUEUE_TIMED_OUT')
    t.match(record, { status: 503, queuedMs: Number, upstreamMs: undefined }, `${reason}: the log says how long it waited`)
    t.ok(Number(record['queuedMs']) >= 900, reason)
    t.ok(upstream.sockets.length - before < 256, `${reason}: those that wait have no connection`)
    const metrics = await exchange(portOf(proxy.addresses[listener]), get('/-/metrics', ...other))
    const value = (name: string) => Number(new RegExp(`^maas_auth_proxy_${name} (\\d+)`, 'm').exec(metrics)?.[1])
    t.ok(value('refused_total{code="MAAS_PROXY_QUEUE_TIMED_OUT"}') > 0, `${reason}: it is counted`)
    t.ok(value('queue_duration_seconds_count') > 0, `${reason}: and the time`)
    for (const socket of sockets) socket.destroy()
  }
})

t.test('a request that waits costs nothing if its client leaves, and is sent when it is its turn', async t => {
  const upstream = await patientUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const sockets = trickle(t, proxy.port, 128)
  await until('half of the connections are in use', () => upstream.sockets.length === 128)
  const leaving = connect(proxy.port, '127.0.0.1')
  leaving.write(get('/MAAS/api/2.0/machines/leaving/'))
  const waiting = exchange(proxy.port, get('/MAAS/api/2.0/machines/waiting/'))
  await until('both wait', async () => /^maas_auth_proxy_upstream_requests\{state="waiting"\} 2$/m.test(await exchange(proxy.port, get('/-/metrics'))))
  leaving.destroy()
  await proxy.logged(({ path }) => path === '/MAAS/api/2.0/machines/leaving/')
  sockets[0]?.destroy()
  t.match(await waiting, /^HTTP\/1\.1 200 /)
  t.match(await proxy.logged(({ path }) => path === '/MAAS/api/2.0/machines/waiting/'), { status: 200, queuedMs: Number })
  t.match(proxy.log.find(({ path }) => path === '/MAAS/api/2.0/machines/leaving/'), { complete: false, status: undefined, queuedMs: Number })
  t.notMatch(upstream.received(), 'leaving', 'it did not reach MAAS')
})

const FORM = 'Content-Type: application/x-www-form-urlencoded'

t.test('a client that sends no more of its body is cut off, wherever it waits', async t => {
  const rows: Array<[head: string[], body: string, sent: boolean, reason: string]> = [
    [['Content-Length: 10'], 'part', true, 'of a body with a length'],
    [['Content-Length: 10'], '', true, 'of which nothing came'],
    [['Transfer-Encoding: chunked'], '4\r\npart\r\n', true, 'of a chunked body'],
    [['Content-Length: 10', FORM], 'op=r', false, 'of a form that a rule depends on']
  ]
  for (const [fields, body, sent, reason] of rows) {
    const upstream = await rawUpstream(t, () => {})
    const proxy = await startTestProxy(t, testConfig(upstream.url, { clientBodyTimeoutMs: ['200ms'], deny: ['POST machines/*?op=release'] }))
    const head = ['POST /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost', ...fields, '', ''].join('\r\n')
    const answer = await exchange(proxy.port, head + body)
    t.match(answer, /^HTTP\/1\.1 408 [^]*connection: close\r\n/i, `${reason}: the connection ends`)
    t.match(answer, /maas-proxy-error: MAAS_PROXY_BODY_TIMED_OUT\r\n/i, reason)
    t.equal(upstream.sockets.length, sent ? 1 : 0, `${reason}: how often it was sent`)
    await closed(upstream.sockets[0])
    t.match(await proxy.logged(({ msg }) => msg === 'request'), { status: 408, error: 'MAAS_PROXY_BODY_TIMED_OUT', level: 40 }, reason)
    t.match(await exchange(proxy.port, get('/-/metrics')), /refused_total\{code="MAAS_PROXY_BODY_TIMED_OUT"\} 1$/m, reason)
  }
})

t.test('a slow body is not cut off while it moves, nor while MAAS takes no more of it', async t => {
  const rows: Array<[fields: string[], body: string, reason: string]> = [
    [[], '01234567', 'a body that streams'],
    [[FORM], 'op=power', 'a form that a rule depends on']
  ]
  await Promise.all(rows.map(async ([fields, body, reason]) => {
    const moving = await rawUpstream(t, () => {})
    const slow = await startTestProxy(t, testConfig(moving.url, { clientBodyTimeoutMs: ['1s'], deny: ['POST machines/*?op=release'] }))
    const client = connect(slow.port, '127.0.0.1')
    const answer = readAll(client)
    client.write(request(['POST /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost', 'Content-Length: 8', ...fields]))
    for (const byte of body) {
      client.write(byte)
      await wait(250)
    }
    await until(`MAAS has ${reason}, or its client an answer`, () => client.closed || moving.received().includes(body))
    moving.sockets[0]?.write(OK)
    t.match(await answer, /^HTTP\/1\.1 200 /, `${reason}: two seconds in all, never one of silence`)
  }))

  const full = await rawUpstream(t, socket => socket.pause())
  const proxy = await startTestProxy(t, testConfig(full.url, { clientBodyTimeoutMs: ['200ms'] }))
  const size = 16 * 1024 * 1024
  const sender = connect(proxy.port, '127.0.0.1')
  const told = readAll(sender)
  sender.write(get('/MAAS/api/2.0/machines/', `Content-Length: ${size}`) + 'x'.repeat(size))
  await until('MAAS has the request', () => full.sockets.length === 1)
  await wait(1000)
  full.sockets[0]?.resume()
  await until('MAAS has the whole body', () => full.received().length > size)
  full.sockets[0]?.write(OK)
  t.match(await told, /^HTTP\/1\.1 200 /)
})
