import t from 'tap'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { type Dispatcher, errors } from 'undici'
import { Exchange } from '../../src/exchange/exchange.ts'
import { byName } from '../../src/http/fields.ts'
import { Credential } from '../../src/forward/credential.ts'
import { explainFailure } from '../../src/upstream/failures.ts'
import { relay } from '../../src/forward/relay.ts'
import { parseApiKey } from '../../src/maas/api-key.ts'
import { MaasClock } from '../../src/maas/clock.ts'
import type { AnonymousOperations } from '../../src/maas/access.ts'
import { createRuleset } from '../../src/admit/ruleset.ts'
import type { ListenerConfig } from '../../src/settings/listener-config.ts'
import { Lane, RequestQueue } from '../../src/upstream/queue.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { until } from '../helper/until.ts'
import {
  closed, exchange, get, jsonBody, keptUpstream, listenOn, OK, rawUpstream, readAll, request
} from '../helper/sockets.ts'

const POST = (length: number, ...fields: string[]) => ['POST /MAAS/api/2.0/files/ HTTP/1.1', 'Host: localhost', ...fields, `Content-Length: ${length}`, '', ''].join('\r\n')

/** Connects and collects what comes, so that a test can wait for a text in the middle of an exchange. */
function client (t: { after: (close: () => unknown) => void }, port: number) {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => { text += chunk.toString('latin1') })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return {
    socket,
    text: () => text,
    saw: async (wanted: string) => { await until(`the client gets ${wanted}`, () => text.includes(wanted)) }
  }
}

const FORM = 'Content-Type: application/x-www-form-urlencoded'

/** A rule by which a form has to be looked at. */
const BY_FORM = { deny: ['POST machines/*?op=release'] }

/** Sends a body of so many bytes, as fast as it is taken. */
class Sender {
  readonly #size: number
  sent = 0

  constructor (size: number) {
    this.#size = size
  }

  async send (socket: Socket): Promise<void> {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    for (; this.sent < this.#size; this.sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
  }

  /** Waits until nothing has moved for a while: what fits on the way is there then. */
  async stalled (): Promise<void> {
    let before = -1
    for (let looks = 0; looks < 3; looks++) {
      if (before !== this.sent) looks = 0
      before = this.sent
      await wait(100)
    }
  }
}

t.test('bodies are streamed', async t => {
  let answering: Socket | undefined
  const upstream = await rawUpstream(t, socket => { answering = socket })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket, saw, text } = client(t, proxy.port)
  socket.write(POST(10) + 'first')
  await upstream.sawText('first')
  t.notMatch(upstream.received(), /second/)
  answering?.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
  await saw('\r\n\r\n')
  answering?.write('early')
  await saw('early')
  t.notMatch(text(), /later/, 'the answer comes while the request still runs')
  socket.write('secnd')
  await upstream.sawText('secnd')
  answering?.write('later')
  await saw('later')
})

t.test('the head of an answer is sent before its body', async t => {
  const rows: Array<[pieces: string[], reason: string]> = [
    [['whole'], 'a small body in one piece, long after its head'],
    [['wh', 'ole'], 'in two'],
    [['w', 'h', 'o', 'l', 'e'], 'byte by byte']
  ]
  for (const [pieces, reason] of rows) {
    let answering: Socket | undefined
    const upstream = await rawUpstream(t, socket => {
      answering = socket
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const client = connect(proxy.port, '127.0.0.1')
    const answer = readAll(client)
    client.write(get('/MAAS/api/2.0/machines/'))
    const [head] = await once(client, 'data')
    t.match(String(head), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/, `${reason}: the head`)
    for (const piece of pieces) {
      const arrived = once(client, 'data') // so that it is a piece of its own
      answering?.write(piece)
      await arrived
    }
    t.match(await answer, /\r\n\r\nwhole$/, `${reason}: the body`)
  }
})

t.test('a chunked upload is forwarded chunked', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket } = client(t, proxy.port)
  socket.write('POST /MAAS/api/2.0/files/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n')
  await upstream.sawText('3\r\nabc')
  socket.write('2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n')
  await upstream.sawText('2\r\nde\r\n0\r\n\r\n')
  t.match(upstream.received(), /transfer-encoding: chunked/i)
  t.notMatch(upstream.received(), /ext|X-Trailer/, 'extensions and trailers end here')
})

t.test('a form that was read is forwarded whole, and the connection is kept', async t => {
  const form = 'op=deploy'
  const framings: Array<[framing: string, body: string]> = [
    [`Content-Length: ${form.length}`, form],
    ['Transfer-Encoding: chunked', `${form.length}\r\n${form}\r\n0\r\n\r\n`]
  ]
  for (const [framing, body] of framings) {
    const upstream = await keptUpstream(t, (socket, piece) => {
      // All of it is known, so it goes on with its length, however it came.
      if (piece.endsWith(form)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, BY_FORM))
    const bytes = request(['POST /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost', FORM, framing], body)
    for (let i = 0; i < 2; i++) t.match(await exchange(proxy.port, bytes), /^HTTP\/1.1 200 /, framing)
    t.equal(upstream.sockets.length, 1, framing)
  }
})

t.test('100 Continue is sent when a connection is ready, and Expect is not forwarded', async t => {
  const form = POST(4, 'Expect: 100-continue', FORM).replace('/files/', '/machines/abc/')
  const rows: Array<[bytes: string, body: string, asked: number, reason: string]> = [
    [POST(4, 'Expect: 100-continue'), 'body', 1, 'a body that nobody looks at'],
    [form, 'op=x', 1, 'a form, which is looked at before'],
    [get('/MAAS/api/2.0/machines/', 'Expect: 100-continue'), '', 0, 'no body'],
    [POST(0, 'Expect: 100-continue'), '', 0, 'an empty one']
  ]
  for (const [bytes, body, asked, reason] of rows) {
    const upstream = await rawUpstream(t, () => {})
    const proxy = await startTestProxy(t, testConfig(upstream.url, BY_FORM))
    const { socket, saw, text } = client(t, proxy.port)
    socket.write(bytes)
    if (asked > 0) await saw('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(body)
    await upstream.sawText(`\r\n\r\n${body}`)
    upstream.sockets[0]?.end(OK)
    await saw('ok')
    t.equal(text().split('100 Continue').length - 1, asked, reason)
    t.notMatch(upstream.received(), /expect/i)
  }

  const proxy = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS'))
  const refused = client(t, proxy.port)
  refused.socket.write(POST(4, 'Expect: 100-continue').replace('/files/', '/../'))
  await refused.saw('MAAS_PROXY_TARGET_MALFORMED')
  t.notMatch(refused.text(), /100 Continue/, 'a refused request is not asked for its body')
})

t.test('a client that disconnects aborts its request to MAAS', async t => {
  const rows: Array<[reason: string, bytes: string, until: string, answer: string]> = [
    ['before an answer', get('/MAAS/api/2.0/machines/'), '\r\n\r\n', ''],
    ['in the middle of its upload', POST(1000) + 'some', 'some', ''],
    ['in the middle of the answer', get('/MAAS/api/2.0/machines/'), '\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome']
  ]
  for (const [reason, bytes, until, answer] of rows) {
    const upstream = await rawUpstream(t, answer === '' ? () => {} : answer)
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const { socket, saw } = client(t, proxy.port)
    socket.write(bytes)
    await upstream.sawText(until)
    if (answer !== '') await saw('some')
    socket.destroy()
    await closed(upstream.sockets[0])
    t.match(await proxy.logged(record => record['msg'] === 'request'), { complete: false }, reason)
  }
})

t.test('a client that disconnects aborts its waiting requests', async t => {
  const upstream = await rawUpstream(t, (socket, head) => { if (head.includes('/big/')) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(500_000)}`) })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket } = client(t, proxy.port)
  const ask = (name: string) => `GET /MAAS/api/2.0/${name}/ HTTP/1.1\r\nHost: localhost\r\n\r\n`
  socket.write(ask('slow') + ask('big') + ask('big'))
  await upstream.sawText(/slow[^]*big[^]*big/)
  socket.destroy()
  await Promise.all(upstream.sockets.map(closed))
  t.equal(upstream.sockets.length, 3)
  t.equal(proxy.log.filter(record => record['msg'] === 'request' && record['complete'] === false).length, 3, 'each has its record')
})

t.test('a client that disconnects while it waits costs MAAS nothing', async t => {
  // Stands for a pool whose connection is made only after the client has gone.
  let handler: Dispatcher.DispatchHandler = {}
  const { listeners: [listener] } = await testConfig('http://maas/MAAS')
  const late = {
    dispatch: (_options: unknown, given: Dispatcher.DispatchHandler) => { handler = given }
  } as unknown as Dispatcher
  const server = createHttpServer((request, response) => {
    const never = () => t.fail('there is nobody to tell')
    const exchange = new Exchange()
    const clock = new MaasClock(() => {})
    const queue = new RequestQueue({ connections: 1, maxRunning: 1, timeoutMs: 60_000 })
    relay({
      upstream: { backlogBudget: null, pool: late, probes: late, queue, origin: 'http://maas', clock },
      lane: new Lane(queue),
      maasFacts: { version: null, isAdmin: null },
      signing: new Credential(parseApiKey('c:t:s'), clock).signing,
      request,
      target: '/',
      reply: { hijack: never, send: never } as unknown as FastifyReply,
      response,
      exchange,
      admitted: { ruleset: createRuleset(listener as ListenerConfig, { clientBodyTimeoutMs: 60_000, ownClient: null }), target: { path: '/', rawPath: '/', query: [] }, operation: { method: 'GET', path: '/', op: null, fromPath: false }, access: 'signed', form: null, bodyStart: null, isContinueSent: false },
      createRewriter: null
    })
    response.on('close', () => {
      handler.onRequestStart?.({
        abort: (reason: Error) => handler.onResponseError?.(null as never, reason)
      } as Dispatcher.DispatchController, null)
      server.emit('given up')
    })
    server.emit('asked')
  })
  const port = await listenOn(t, server)
  const { socket } = client(t, port)
  socket.write(get('/'))
  await once(server, 'asked')
  const givenUp = once(server, 'given up')
  socket.destroy()
  await t.resolves(givenUp)
})

t.test('a slow MAAS slows the client, and gets the whole body', async t => {
  const size = 16 * 1024 * 1024
  const upstream = await rawUpstream(t, socket => socket.pause())
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket, saw } = client(t, proxy.port)
  socket.write(POST(size))
  const sender = new Sender(size)
  const sending = sender.send(socket)
  await sender.stalled()
  t.ok(sender.sent < size, 'the client still holds the rest')
  upstream.sockets[0]?.resume()
  await sending
  await until('MAAS has the whole body', () => upstream.received().length >= size + upstream.received().indexOf('\r\n\r\n') + 4)
  upstream.sockets[0]?.write(OK)
  await saw('ok')
  t.match(await proxy.logged(record => record['msg'] === 'request'), { requestBytes: size, complete: true })
})

t.test('an internal error is reported without details', async t => {
  const upstream = await rawUpstream(t)
  const anonymousOperations = { kindOf: () => { throw new TypeError('HIDDEN') } } as unknown as AnonymousOperations
  const config = await testConfig(upstream.url)
  const proxy = await startTestProxy(t, {
    ...config, listeners: config.listeners.map(listener => ({ ...listener, anonymousOperations }))
  })
  const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  t.match(answer, /^HTTP\/1.1 500 /)
  t.match(jsonBody(answer).error, { code: 'MAAS_PROXY_INTERNAL', message: /^the proxy failed in request req-\w+$/ })
  t.notMatch(answer, /HIDDEN/)
  t.match(await proxy.logged(record => record['code'] === 'MAAS_PROXY_INTERNAL'), { level: 50, id: /^req-\w+$/, cause: { name: 'TypeError', message: 'HIDDEN' }, stack: /TypeError: HIDDEN\n +at/ })
})

t.test('an answer that is cut off is cut off for the client too', async t => {
  const rows: Array<[reason: string, answer: string, version: string, isReset?: boolean]> = [
    ['shorter than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart', '1.1'],
    ['a reset is no end (RFC 9112 §8)', 'HTTP/1.1 200 OK\r\n\r\npart', '1.1', true],
    ['nor one that was announced', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart', '1.1', true],
    ['nor for a client of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\npart', '1.0', true],
    ['in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npart', '1.1'],
    ['between two chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', '1.1'],
    ['for a client of HTTP/1.0, where the end of the connection is the end of the body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', '1.0']
  ]
  for (const [reason, answer, version, isReset = false] of rows) {
    const upstream = await rawUpstream(t, answer)
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const socket = connect(proxy.port, '127.0.0.1')
    let failure: NodeJS.ErrnoException | undefined
    socket.on('error', error => { failure = error })
    let text = ''
    socket.on('data', chunk => {
      text += chunk
      if (text.includes('part')) upstream.sockets[0]?.[isReset ? 'resetAndDestroy' : 'destroy']()
    })
    socket.write(get('/MAAS/api/2.0/machines/').replace('HTTP/1.1', `HTTP/${version}`))
    await closed(socket)
    t.notMatch(text, /\r\n0\r\n\r\n$/, `${reason}: no last chunk`)
    t.equal(failure?.code, version === '1.0' ? 'ECONNRESET' : undefined, 'a reset only where an end means a whole body')
    t.match(await proxy.logged(record => record['msg'] === 'request'), { level: 40, error: 'MAAS_PROXY_UPSTREAM_CLOSED', complete: false }, reason)
  }
})

t.test('an answer that is cut off while it waits behind another ends the connection in its turn', async t => {
  const rows: Array<[reason: string, paths: string[]]> = [
    ['the second', ['kept', 'cut']],
    ['the second, before another', ['kept', 'cut', 'kept']],
    ['two of them', ['kept', 'cut', 'cut']],
    ['behind two', ['kept', 'kept', 'cut']]
  ]
  for (const [reason, paths] of rows) {
    const kept: Socket[] = []
    const upstream = await rawUpstream(t, (socket, head) => {
      if (head.includes('/kept/')) kept.push(socket)
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart', () => { socket.destroy() })
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const answer = exchange(proxy.port, paths.map(path => `GET /MAAS/api/2.0/machines/${path}/ HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
    const whole = paths.filter(path => path === 'kept').length
    await until('all are there', () => upstream.sockets.length === paths.length && kept.length === whole)
    const running = `\nmaas_auth_proxy_upstream_requests{state="running"} ${whole}\n`
    await until('the proxy knows what is cut off', async () => (await exchange(proxy.port, get('/-/metrics'))).includes(running))
    for (const socket of kept) socket.end(OK)
    const text = await answer
    t.match(text, /^HTTP\/1.1 200 [^]*?\r\n\r\nok/, `${reason}: the first is whole`)
    t.equal(text.split('\r\n\r\nok').length - 1, paths.indexOf('cut'), `${reason}: and each before it`)
  }
})

t.test('a MAAS that falls silent in the middle of an answer is given up in time', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart')
  const proxy = await startTestProxy(t, testConfig(upstream.url, { responseTimeoutMs: ['150ms'] }))
  const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  t.match(answer, /^HTTP\/1.1 200 [^]*\r\n\r\npart$/, 'the client has what came, and the end of the connection')
  const record = await proxy.logged(record => record['msg'] === 'request')
  t.match(record, { level: 40, error: 'MAAS_PROXY_RESPONSE_TIMED_OUT', complete: false })
  await closed(upstream.sockets[0])
})

t.test('pipelined requests run at the same time only if all of them are safe (RFC 9112 §9.3.2)', async t => {
  const rows: Array<[methods: string[], stages: number[], reason: string]> = [
    [['GET', 'GET', 'HEAD', 'OPTIONS'], [4], 'reads'],
    [['DELETE', 'GET'], [1, 2], 'a read behind a write'],
    [['GET', 'POST'], [1, 2], 'a write behind a read'],
    [['PUT', 'GET', 'GET'], [1, 2, 3], 'reads behind a write'],
    [['GET', 'GET', 'PUT', 'PUT'], [2, 3, 4], 'writes behind reads, one after the other']
  ]
  for (const [methods, stages, reason] of rows) {
    const waiting: Socket[] = []
    const upstream = await rawUpstream(t, (socket, head) => {
      if (head.includes('/zones/')) socket.write(OK)
      else waiting.push(socket)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const { socket, saw, text } = client(t, proxy.port)
    socket.write(methods.map((method, i) => `${method} /MAAS/api/2.0/tags/${i}/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`).join(''))
    let answered = 0
    for (const running of stages) {
      await until(`${reason}: ${running} have come to MAAS`, () => waiting.length >= running)
      await exchange(proxy.port, get('/MAAS/api/2.0/zones/')) // a later one of another client has come and gone
      t.equal(waiting.length, running, `${reason}: no more of them`)
      for (; answered < running; answered++) waiting[answered]?.end(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Answer: ${answered}\r\nConnection: close\r\n\r\n`)
      await saw(`X-Answer: ${answered - 1}\r\n`)
    }
    t.strictSame(text().match(/(?<=X-Answer: )\d/g), methods.map((_, i) => String(i)), `${reason}: answers in their order`)
  }
})

t.test('a pipelined write behind an answer that ends the connection is not sent', async t => {
  const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart'
  const rows: Array<[version: string, answer: string, reason: string]> = [
    ['1.1', PART, 'it is cut off'],
    ['1.0', 'HTTP/1.1 200 OK\r\n\r\nall', 'the client knows its end by that of the connection']
  ]
  for (const [version, answer, reason] of rows) {
    const waiting: Socket[] = []
    const upstream = await keptUpstream(t, (socket, head) => {
      if (!head.includes('/zones/')) socket.end(answer)
      else if (waiting.push(socket) === 2) for (const one of waiting) one.write(OK)
    })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
    await Promise.all([1, 2].map(async () => await exchange(proxy.port, get('/MAAS/api/2.0/zones/')))) // two connections
    const { socket } = client(t, proxy.port)
    const ask = (method: string) => `${method} /MAAS/api/2.0/tags/x/ HTTP/${version}\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n`
    socket.write(ask('GET') + ask('PUT'))
    await closed(socket)
    await until('both have a record', () => proxy.log.filter(({ msg }) => msg === 'request').length === 4)
    t.notMatch(upstream.requests.join(''), /PUT/, reason)
    t.match(proxy.log.filter(({ msg }) => msg === 'request').at(-1), { method: 'PUT', complete: false }, reason)
  }
})

t.test('an early answer to a long upload reaches the client, and the connection goes on', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\n\r\nbig')
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket, saw, text } = client(t, proxy.port)
  socket.write(POST(3_000_000) + 'x'.repeat(1_000_000))
  await saw('big')
  socket.write('x'.repeat(2_000_000))
  socket.write(get('/nowhere/'))
  await saw('MAAS_PROXY_PATH_UNSERVED')
  t.match(text(), /^HTTP\/1.1 413 [^]*\r\n\r\nbigHTTP\/1.1 404 /, 'the rest of the body was dropped, not taken for a request')
  t.match(await proxy.logged(record => record['status'] === 413), { bytes: 3, complete: true })
})

t.test('an error of an upload ends nothing, even when undici does not listen for it', async t => {
  const gone = createServer()
  const port = await listenOn(t, gone)
  gone.close()
  const bodies: Readable[] = []
  const onCreate = (message: unknown) => { bodies.push((message as { request: { body: Readable } }).request.body) }
  subscribe('undici:request:create', onCreate)
  t.after(() => { unsubscribe('undici:request:create', onCreate) })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${port}/MAAS`))
  t.match(await exchange(proxy.port, POST(1, 'Connection: close') + 'x'), /^HTTP\/1.1 502 /, 'it is never written to MAAS')
  t.equal(bodies.length, 1)
  // Without a listener this throws.
  t.doesNotThrow(() => bodies[0]?.emit('error', new Error('late')))
})

t.test('the rest of an upload is read after an early answer', async t => {
  const size = 24 * 1024 * 1024
  const upstream = await rawUpstream(t, socket => socket.pause())
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const { socket, saw } = client(t, proxy.port)
  socket.write(POST(size))
  const sender = new Sender(size)
  const sending = sender.send(socket)
  await sender.stalled()
  upstream.sockets[0]?.write('HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\n\r\nbig')
  await saw('big')
  await t.resolves(sending, 'the client can send the rest')
  socket.write(get('/nowhere/'))
  await saw('MAAS_PROXY_PATH_UNSERVED')
})

t.test('a slow client slows MAAS, and gets the whole answer', async t => {
  const size = 24 * 1024 * 1024
  const sender = new Sender(size)
  const upstream = await rawUpstream(t, socket => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
    sender.send(socket).catch(t.error)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(get('/MAAS/api/2.0/machines/'))
  await once(socket, 'readable')
  await sender.stalled()
  t.ok(sender.sent < size, 'MAAS still holds the rest')
  const answer = await readAll(socket)
  t.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, size)
})

t.test('failures between proxy and MAAS are reported with a remedy', async t => {
  const free = await listenOn(t, createServer())
  const gone = createServer()
  const refusing = await listenOn(t, gone)
  gone.close()
  const silent = await rawUpstream(t, () => {})
  const closing = await rawUpstream(t, socket => socket.destroy())
  const speaksHttp = await listenOn(t, createHttpServer())
  const rows: Array<[maasUrl: string, answer: string | null, status: number, code: string, reason: string]> = [
    [`http://127.0.0.1:${refusing}/MAAS`, null, 502, 'MAAS_PROXY_UPSTREAM_REFUSED', 'nothing listens'],
    ['http://no-such-host.invalid:5240/MAAS', null, 502, 'MAAS_PROXY_UPSTREAM_NAME_UNKNOWN', 'a name that cannot be'],
    [closing.url, null, 502, 'MAAS_PROXY_UPSTREAM_CLOSED', 'closed before an answer'],
    [silent.url, null, 504, 'MAAS_PROXY_RESPONSE_TIMED_OUT', 'no answer in time'],
    [`https://127.0.0.1:${free}/MAAS`, null, 504, 'MAAS_PROXY_CONNECT_TIMED_OUT', 'no handshake in time'],
    [`https://127.0.0.1:${speaksHttp}/MAAS`, null, 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'https asked on an http port'],
    ['', 'HIDDEN\r\n\r\n', 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'no HTTP'],
    ['', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'two lengths'],
    ['', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'a length and chunked'],
    ['', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'a header without end'],
    ['', 'HTTP/1.1 200 OK\r\nX : y\r\n\r\n', 502, 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', 'a blank before a colon']
  ]
  for (const [maasUrl, bytes, status, code, reason] of rows) {
    const url = bytes === null ? maasUrl : (await rawUpstream(t, bytes)).url
    const proxy = await startTestProxy(t, testConfig(url, { connectTimeoutMs: ['150ms'], responseTimeoutMs: ['150ms'] }))
    const answer = await exchange(proxy.port, request(['POST /MAAS/api/2.0/machines/ HTTP/1.1', 'Host: localhost', 'Content-Length: 4'], 'body'))
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*maas-proxy-error: ${code}\r\n`), reason)
    t.match(jsonBody(answer).error, { code, message: /^[a-zM].+[^.]$/, remedy: /^[a-z].+[^.]$/ })
    t.match(await proxy.logged(record => record['code'] === code), { level: 40, cause: { message: String } }, 'the log has the reason')
    t.notMatch(JSON.stringify(proxy.log) + answer, /HIDDEN/, 'and nothing of the answer')
  }
  t.equal(closing.sockets.length, 1, 'a request that was sent is not sent again')
})

/*
 * What another system, another network or a certificate authority would have to do wrong. The errors of undici are its
 * own, so that a version which names one otherwise is noticed.
 */
t.test('rare failures are reported with a remedy', async t => {
  const coded = (code: string) => Object.assign(new Error(code), { code })
  const rows: Array<[error: Error, code: string, reason: string]> = [
    [coded('EHOSTUNREACH'), 'UPSTREAM_UNREACHABLE', 'no way to the host'],
    [coded('ENETUNREACH'), 'UPSTREAM_UNREACHABLE', 'no way to its network'],
    [coded('EADDRNOTAVAIL'), 'UPSTREAM_UNREACHABLE', 'no address or port of ours is left to ask from'],
    [coded('EACCES'), 'UPSTREAM_UNREACHABLE', 'a firewall of this machine'],
    [coded('EAI_AGAIN'), 'UPSTREAM_NAME_UNKNOWN', 'the name server does not answer'],
    [coded('ETIMEDOUT'), 'CONNECT_TIMED_OUT', 'the system gives up before we do'],
    [new errors.ConnectTimeoutError(), 'CONNECT_TIMED_OUT', 'we do'],
    [new errors.HeadersTimeoutError(), 'RESPONSE_TIMED_OUT', 'no header in time'],
    [new errors.BodyTimeoutError(), 'RESPONSE_TIMED_OUT', 'no more of a body in time'],
    [new DOMException('late', 'TimeoutError'), 'RESPONSE_TIMED_OUT', 'a signal, whose code is a number'],
    [coded('EPIPE'), 'UPSTREAM_CLOSED', 'closed while we write'],
    [coded('ECONNRESET'), 'UPSTREAM_CLOSED', 'reset'],
    [new errors.SocketError('other side closed'), 'UPSTREAM_CLOSED', 'closed'],
    [new errors.HeadersOverflowError(), 'UPSTREAM_ANSWER_MALFORMED', 'a header without end'],
    [new errors.ResponseContentLengthMismatchError(), 'UPSTREAM_ANSWER_MALFORMED', 'a body of another length'],
    [coded('HPE_INVALID_CONSTANT'), 'UPSTREAM_ANSWER_MALFORMED', 'what the parser says'],
    [new errors.HTTPParserError('x'), 'UPSTREAM_ANSWER_MALFORMED', 'what it says without a code'],
    [coded('ERR_SSL_PACKET_LENGTH_TOO_LONG'), 'UPSTREAM_ANSWER_MALFORMED', 'bytes that are no TLS'],
    [coded('ERR_SSL_NO_SHARED_CIPHER'), 'UPSTREAM_TLS_FAILED', 'anything that OpenSSL says'],
    [coded('EPROTO'), 'UPSTREAM_TLS_FAILED', 'what older versions of node say for it'],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'UPSTREAM_UNTRUSTED', 'a certificate that vouches for itself'],
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'UPSTREAM_UNTRUSTED', 'a CA that nobody knows'],
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'UPSTREAM_UNTRUSTED', 'a server that does not send its CA'],
    [coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'UPSTREAM_UNTRUSTED', 'a CA that is not on this machine'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'UPSTREAM_UNTRUSTED', 'a certificate of another name'],
    [coded('CERT_HAS_EXPIRED'), 'UPSTREAM_UNTRUSTED', 'one of yesterday'],
    [coded('CERT_SIGNATURE_FAILURE'), 'UPSTREAM_UNTRUSTED', 'one that was changed'],
    [coded('CERT_NOT_YET_VALID'), 'UPSTREAM_UNTRUSTED', 'a certificate of tomorrow'],
    [coded('CERT_REVOKED'), 'UPSTREAM_UNTRUSTED', 'one that was taken back'],
    [coded('UNABLE_TO_GET_ISSUER_CERT'), 'UPSTREAM_UNTRUSTED', 'a chain that is not whole'],
    [coded('EMFILE'), 'OUT_OF_FILES', 'this process has too many files open'],
    [coded('ENFILE'), 'OUT_OF_FILES', 'this machine has'],
    [coded('EIO'), 'UPSTREAM_FAILED', 'anything else']
  ]
  for (const [error, code, reason] of rows) {
    t.match(explainFailure(error), { code: `MAAS_PROXY_${code}`, cause: error }, `${reason}: ${error.message}`)
  }
  for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']) {
    t.match(explainFailure(coded(code)), { code: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', message: /speaks http there/, remedy: /write http:/ }, code)
  }
})

t.test('an answer that is not valid behind its header ends the connection', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nnonsense\r\n')
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  t.notMatch(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /0\r\n\r\n$/)
  t.match(await proxy.logged(record => record['msg'] === 'request'), { error: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', complete: false })
})

t.test('the cache of field names is bounded', async t => {
  let asked: string[] = []
  const decide = byName(name => {
    asked.push(name)
    return name
  })
  const askedFor = (spelled: string) => {
    asked = []
    if (decide(spelled) !== spelled.toLowerCase()) t.fail(`${spelled} is decided on as another name`)
    return asked.length
  }
  askedFor('X-Often')
  t.equal(askedFor('X-Often'), 0, 'one that came before is kept')
  const long = `X-${'l'.repeat(16_000)}`
  askedFor(long)
  t.equal(askedFor(long), 1, 'one that fills a header is not')
  for (let i = 0; i < 10_000; i++) {
    askedFor(`X-${i}`)
    if (i % 100 === 0) t.equal(askedFor('X-Often'), 0, 'one that is in use is not pushed out by others')
  }
  t.equal(askedFor('X-9999'), 0, 'the last one is kept')
  t.equal(askedFor('X-1'), 1, 'one that has not come for long is not')
})
