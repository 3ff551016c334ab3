import t from 'tap'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import os from 'node:os'
import { explainAttempt } from '../../src/forward/attempt-failure.ts'
import { ConnectionTracker } from '../../src/upstream/connection-tracker.ts'
import { ConnectionWatch } from '../../src/upstream/connection-watch.ts'
import { parseTables, portsOf, unansweredConnections } from '../../src/upstream/tcp-table.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, keptUpstream, listenOn, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const MACHINES = get('/MAAS/api/2.0/machines/')
const CREATE = request(['POST /MAAS/api/2.0/machines/ HTTP/1.1', 'Host: localhost', 'Content-Length: 4'], 'body')

/** Opens so many connections to MAAS, all of which are idle then. */
async function warm (proxy: TestProxy, count: number, sockets: readonly Socket[]): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => { await exchange(proxy.port, MACHINES) }))
  t.equal(sockets.length, count)
}

/** Answers when so many requests have come, so that each has a connection of its own. */
function together (count: number): (socket: Socket) => void {
  const waiting: Socket[] = []
  return socket => { if (waiting.push(socket) === count) for (const one of waiting) one.write(OK) }
}

t.test('a read that is sent again goes on a connection of its own, however many idle ones are dead', async t => {
  const fates: Array<[how: string, end: (socket: Socket) => void]> = [
    ['closes', socket => socket.destroy()],
    ['resets', socket => socket.resetAndDestroy()]
  ]
  for (const count of [2, 3, 8]) {
    for (const [how, end] of fates) {
      const answer = together(count)
      const upstream = await keptUpstream(t, (socket, _request, i) => {
        if (i < count) answer(socket)
        else if (upstream.sockets.indexOf(socket) < count) end(socket)
        else socket.write(OK)
      })
      const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
      await warm(proxy, count, upstream.sockets)
      t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /, `each of ${count} ${how} at the next request`)
      t.equal(upstream.requests.length, count + 2)
    }
  }
})

t.test('a write on a connection that closes may have happened, and the answer says so', async t => {
  const rows: Array<[
    reason: string, bytes: string, answer: (socket: Socket) => void, code: string, isUncertain: boolean
  ]> = [
    ['closed', CREATE, socket => socket.destroy(), 'UPSTREAM_CLOSED', true],
    ['reset', CREATE, socket => socket.resetAndDestroy(), 'UPSTREAM_CLOSED', true],
    ['half an answer', CREATE, socket => socket.end('HTTP/1.1 2'), 'UPSTREAM_CLOSED', true],
    ['no HTTP', CREATE, socket => socket.end('HIDDEN\r\n\r\n'), 'UPSTREAM_ANSWER_MALFORMED', true],
    ['without a body', request(['DELETE /MAAS/api/2.0/machines/x/ HTTP/1.1', 'Host: localhost']), socket => socket.destroy(), 'UPSTREAM_CLOSED', true],
    ['a read', MACHINES, socket => socket.destroy(), 'UPSTREAM_CLOSED', false]
  ]
  for (const [reason, bytes, answer, code, isUncertain] of rows) {
    const upstream = await keptUpstream(t, (socket, piece) => { if (piece.endsWith('body') || !piece.startsWith('POST')) answer(socket) })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
    const { error } = jsonBody(await exchange(proxy.port, bytes))
    t.equal(error?.code, `MAAS_PROXY_${code}`, reason)
    t.equal(/the operation may have happened: check its effect before you send it again/.test(error?.remedy ?? ''), isUncertain, reason)
    t.notMatch(error?.message, 'before it had the whole request', `${reason}: MAAS had all of it`)
    t.equal(upstream.sockets.length, 1, 'sent once')
  }
  const gone = createServer()
  const port = await listenOn(t, gone)
  gone.close()
  const { error } = jsonBody(await exchange((await startTestProxy(t, testConfig(`http://127.0.0.1:${port}/MAAS`))).port, CREATE))
  t.notMatch(error, { remedy: /may have happened/ }, 'nothing was sent to a MAAS that refuses the connection')
})

t.test('a system error on an open connection is not reported as a failure to connect', async t => {
  const rows: Array<[
    code: string, state: Partial<Parameters<typeof explainAttempt>[1]>,
    wanted: string, isUncertain: boolean, reason: string
  ]> = [
    ['ETIMEDOUT', {}, 'UPSTREAM_LOST', false, 'a read'],
    ['ETIMEDOUT', { hasEffect: true }, 'UPSTREAM_LOST', true, 'a write'],
    ['EHOSTUNREACH', { hasEffect: true }, 'UPSTREAM_LOST', true, 'no way to the host any more'],
    ['ETIMEDOUT', { isBegun: false, hasEffect: true }, 'CONNECT_TIMED_OUT', false, 'not connected yet'],
    ['EHOSTUNREACH', { isBegun: false, hasEffect: true }, 'UPSTREAM_UNREACHABLE', false, 'no way at first'],
    ['UND_ERR_HEADERS_TIMEOUT', { hasEffect: true }, 'RESPONSE_TIMED_OUT', false, 'which says of itself that it may still be running']
  ]
  for (const [code, state, wanted, isUncertain, reason] of rows) {
    const cause = Object.assign(new Error(code), { code })
    const failure = explainAttempt(cause, { isBegun: true, isBodySent: true, hasEffect: false, ...state })
    t.match(failure, { code: `MAAS_PROXY_${wanted}`, cause }, reason)
    t.equal(failure.remedy.includes('the operation may have happened'), isUncertain, reason)
  }
})

t.test('MAAS is said to have closed before it had the whole request only if a part of the body was not sent', t => {
  const rows: Array<[isBodySent: boolean, hasEffect: boolean, reason: string]> = [
    [false, true, 'a write, in the middle of its body'],
    [false, false, 'a read, in the middle of its body'],
    [true, true, 'a write that was sent whole'],
    [true, false, 'a read that was sent whole']
  ]
  for (const [isBodySent, hasEffect, reason] of rows) {
    const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const { code, message } = explainAttempt(cause, { isBegun: true, isBodySent, hasEffect })
    t.equal(code, 'MAAS_PROXY_UPSTREAM_CLOSED', reason)
    t.equal(message.includes('before it had the whole request'), !isBodySent, reason)
  }
  t.end()
})

t.test('connections that are too old, or from before the machine slept, are not reused', async t => {
  const { now } = performance
  const { now: wallNow } = Date
  let slept = 0
  let awake = 0
  performance.now = () => now.call(performance) + awake
  Date.now = () => wallNow() + awake + slept
  t.teardown(() => { Object.assign(performance, { now }); Date.now = wallNow })
  const upstream = await keptUpstream(t, socket => socket.write(OK))
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  const rows: Array<[reason: string, pass: () => void, connections: number]> = [
    ['the first', () => {}, 1],
    ['a moment later', () => {}, 1],
    ['a clock that was set by a little', () => { slept += 3000 }, 1],
    ['25 s of use', () => { awake += 25_000 }, 1],
    ['50 s of use', () => { awake += 25_000 }, 2],
    ['the machine slept', () => { slept += 60_000 }, 3],
    ['and is awake', () => {}, 3],
    ['the clock was set back', () => { slept -= 60_000 }, 4]
  ]
  for (const [reason, pass, connections] of rows) {
    pass()
    t.match(await exchange(proxy.port, CREATE), /^HTTP\/1.1 200 /, reason)
    t.equal(upstream.sockets.length, connections, reason)
  }
})

t.test('a connection from an address that the machine has lost is not reused', async t => {
  const { networkInterfaces } = os
  let has = true
  let mayAsk = true
  let looks = 0
  os.networkInterfaces = () => {
    looks++
    if (!mayAsk) throw new Error('Unknown system error 97') // as under RestrictAddressFamilies= of systemd
    return has ? networkInterfaces() : {}
  }
  syncBuiltinESMExports()
  t.teardown(() => { os.networkInterfaces = networkInterfaces; syncBuiltinESMExports() })
  const upstream = await keptUpstream(t, socket => socket.write(OK))
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  await exchange(proxy.port, CREATE)
  await exchange(proxy.port, CREATE)
  t.equal(upstream.sockets.length, 1)
  has = false
  await until('a write goes on another connection', async () => {
    t.match(await exchange(proxy.port, CREATE), /^HTTP\/1.1 200 /)
    return upstream.sockets.length === 2
  })
  mayAsk = false
  has = true
  looks = 0
  await until('it has looked twice', () => looks >= 2)
  t.match(await exchange(proxy.port, CREATE), /^HTTP\/1.1 200 /)
  t.equal(upstream.sockets.length, 2, 'where the addresses cannot be asked for, a connection is used on')
})

t.test('a MAAS that takes its time is waited for, since its system has acknowledged the request', async t => {
  const upstream = await keptUpstream(t, socket => { setTimeout(() => socket.write(OK), 4500) })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /)
  t.equal(upstream.requests.length, 1)
})

t.test('a connection is given up when its other side has not answered for long enough', async t => {
  const upstream = await keptUpstream(t, (socket, request) => { if (request === 'first') socket.write('answer') })
  const watch = new ConnectionWatch()
  const rows: Array<[reason: string, isReused: boolean, isRepeatable: boolean, patienceMs: number]> = [
    ['what is sent again', true, true, 5000],
    ['what is not', true, false, 30_000],
    ['what is not, because the connection is new', false, true, 30_000]
  ]
  const open = async () => {
    const socket = connect(upstream.port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    const tracker = new ConnectionTracker(watch)
    tracker.setConnection(socket)
    return { socket, tracker }
  }
  for (const [reason, isReused, isRepeatable, patienceMs] of rows) {
    const [{ socket, tracker }, other] = [await open(), await open()]
    if (isReused) {
      socket.write('first')
      await once(socket, 'readable')
      socket.read()
    }
    const over = new Promise(resolve => { socket.once('close', resolve) })
    const attempt = tracker.beginAttempt(isRepeatable)
    const all = new Set([portsOf(socket.localPort, socket.remotePort)])
    const looks: Array<[unanswered: ReadonlySet<string>, at: number, isOpen: boolean]> = [
      [all, 1000, true], [all, 1000 + patienceMs - 1, true], [new Set(), 2000 + patienceMs, true],
      [all, 100_000, true], [all, 100_000 + patienceMs - 1, true], [all, 100_000 + patienceMs, false]
    ]
    for (const [unanswered, at, isOpen] of looks) {
      tracker.judge(unanswered, at)
      t.equal(socket.destroyed, !isOpen, `${reason}: after ${at} ms`)
    }
    t.equal(attempt.hasAnswer, false)
    await over
    other.tracker.prepare()
    t.ok(other.socket.destroyed, 'nor is any other that is open now used again')
    tracker.prepare()
  }
  t.doesNotThrow(() => { new ConnectionTracker(watch).judge(new Set(), 0) }, 'nothing to judge')
})

/*
 * A front of MAAS refuses an upload, and closes before it has read all of it. What it said is in the buffer of this
 * machine, while writing fails.
 */
t.test('an answer that comes before the body is sent is delivered', async t => {
  const { ca, ...tls } = await makeCertificates()
  const caFile = [`${t.testdir({ ca })}/ca`]
  const refusal = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nrefused'
  const upload = Buffer.alloc(1_000_000, 'x').toString()
  const bytes = request(['POST /MAAS/api/2.0/files/ HTTP/1.1', 'Host: localhost', `Content-Length: ${upload.length}`], upload)
  const rows: Array<[reason: string, isTls: boolean, refuse: (socket: Socket) => void]> = [
    ['closed with unread bytes', false, socket => { socket.pause().write(refusal, () => socket.destroy()) }],
    ['closed in order', false, socket => { socket.pause().end(refusal) }],
    ['over TLS', true, socket => { socket.pause().write(refusal, () => socket.destroy()) }]
  ]
  for (const [reason, isTls, refuse] of rows) {
    const upstream = await keptUpstream(t, (socket, piece) => { if (piece.startsWith('POST')) refuse(socket) }, isTls ? tls : null)
    const proxy = await startTestProxy(t, testConfig(`${isTls ? 'https' : 'http'}://127.0.0.1:${upstream.port}/MAAS`, isTls ? { caFile } : {}))
    for (let i = 0; i < 15; i++) t.match(await exchange(proxy.port, bytes), /^HTTP\/1.1 403 [^]*refused$/, reason)
  }
  const upstream = await keptUpstream(t, socket => socket.resetAndDestroy())
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  const { error } = jsonBody(await exchange(proxy.port, bytes))
  t.match(error, { code: 'MAAS_PROXY_UPSTREAM_CLOSED', message: /before it had the whole request; if it answered, the answer was lost$/, remedy: /may have happened/ })
})

t.test('interim responses are left out (RFC 9110 section 15.2)', async t => {
  const rows: Array<[reason: string, pieces: string[], wanted: RegExp]> = [
    ['100', ['HTTP/1.1 100 Continue\r\n\r\n', OK], /^HTTP\/1.1 200 [^]*ok$/],
    ['100 and the answer in one piece', [`HTTP/1.1 100 Continue\r\n\r\n${OK}`], /^HTTP\/1.1 200 [^]*ok$/],
    ['102 twice', ['HTTP/1.1 102 Processing\r\n\r\n', 'HTTP/1.1 102 Processing\r\n\r\n', OK], /^HTTP\/1.1 200 [^]*ok$/],
    ['103 with fields', [`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n${OK}`], /^HTTP\/1.1 200 [^]*ok$/],
    ['one that nobody knows', [`HTTP/1.1 199 X\r\n\r\n${OK}`], /^HTTP\/1.1 200 [^]*ok$/],
    ['of HTTP/1.0, without a reason', [`HTTP/1.0 100\r\n\r\n${OK}`], /^HTTP\/1.1 200 [^]*ok$/],
    ['byte by byte', [...`HTTP/1.1 100 Continue\r\n\r\n${OK}`], /^HTTP\/1.1 200 [^]*ok$/],
    ['an answer byte by byte', [...OK], /^HTTP\/1.1 200 [^]*ok$/],
    ['a body that looks like one', ['HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n'], /100 Continue\r\n\r\n$/],
    ['a status that looks like one', ['HTTP/1.1 1000 X\r\n\r\n'], /MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['a switch of protocols', ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'], /MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['a switch that names no protocol', ['HTTP/1.1 101 Switching Protocols\r\n\r\n', OK], /MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['without end', Array.from({ length: 10 }, () => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(2000)), /MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['one without end', ['HTTP/1.1 102 Processing\r\n', `X: ${'x'.repeat(500_000)}`], /MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['and no answer', ['HTTP/1.1 102 Processing\r\n\r\n', ''], /MAAS_PROXY_UPSTREAM_CLOSED/]
  ]
  for (const [reason, pieces, wanted] of rows) {
    const upstream = await keptUpstream(t, socket => { sendPieces(socket, pieces) })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
    for (const bytes of [CREATE, MACHINES]) t.match((await exchange(proxy.port, bytes)).slice(0, 2000), wanted, reason)
    t.equal(upstream.requests.length, 2, `${reason}: sent once each`)
  }
})

/** Sends pieces one after another; an empty one closes the connection. */
function sendPieces (socket: Socket, [piece, ...rest]: readonly string[]): void {
  if (piece === undefined || socket.destroyed) return
  if (piece === '') socket.destroy()
  else socket.write(piece, () => setImmediate(sendPieces, socket, rest))
}

t.test('an endless chunk extension is cut off', async t => {
  const upstream = await keptUpstream(t, socket => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;short=1\r\nok\r\n2;x=')
    const more = () => { socket.write('x'.repeat(10_000), error => { if (error == null) setImmediate(more) }) }
    more()
  })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 [^]*\r\n2\r\nok\r\n$/, 'the client sees that the answer is cut')
  t.match(await proxy.logged(record => record['msg'] === 'request'), { complete: false, error: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED' })
  await until('the connection is closed', () => upstream.sockets[0]?.destroyed === true)
})

t.test('the tables of Linux tell which connections are not answered', async t => {
  const line = (local: string, remote: string, retransmits: string, probes: string) => (
    `   0: 0100007F:${local} 0100007F:${remote} 01 00000000:00000000 02:000001 ${retransmits}     0        ${probes} 1 1`
  )
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
  const rows: Array<[lines: string[], wanted: string[], reason: string]> = [
    [[head], [], 'none'],
    [[head, line('1538', '0050', '00000000', '0')], [], 'answered'],
    [[head, line('1538', '0050', '00000003', '0')], ['5432 80'], 'sent again'],
    [[head, line('1538', '0050', '00000000', '2')], ['5432 80'], 'asked whether it is there'],
    [[line('1538', '0050', '0000000A', '0'), line('1538', '0050', '00000000', '0')], [], 'two with the same ports'],
    [[line('1538', '0050', '00000000', '0'), line('1538', '0050', '0000000A', '0'), ''], [], 'in the other order']
  ]
  for (const [lines, wanted, reason] of rows) {
    t.strictSame([...parseTables(lines.join('\n'))], wanted, reason)
  }
  t.strictSame([...await unansweredConnections([`${t.testdir()}/tcp`])], [], 'where there are no tables')
})
