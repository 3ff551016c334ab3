import t from 'tap'
import { createServer, type Socket } from 'node:net'
import { deafServer } from '../helper/deaf-server.ts'
import { type LogRecord, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, keptUpstream, listenOn, request } from '../helper/sockets.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const READ = get('/MAAS/api/2.0/machines/')
const WRITE = request(['POST /MAAS/api/2.0/machines/?op=allocate HTTP/1.1', 'Host: localhost', 'Content-Length: 0'])
const BODY = 'x'.repeat(1_000_000)
const UPLOAD = request(['POST /MAAS/api/2.0/files/ HTTP/1.1', 'Host: localhost', `Content-Length: ${BODY.length}`], BODY)

/** What MAAS does when a request has come. */
type Fate = (socket: Socket) => void

const CLOSE: Fate = socket => { socket.destroy() }
const RESET: Fate = socket => { socket.resetAndDestroy() }
const HANG: Fate = () => {}
const send = (bytes: string): Fate => socket => { socket.write(bytes) }
const sendAndClose = (bytes: string): Fate => socket => { socket.pause().write(bytes, () => socket.destroy()) }

interface Row {
  reason: string
  bytes: string
  /** after an answer that makes the connection a kept one */
  fates: readonly Fate[]
  status: number
  /** the longest time that it may take, in seconds */
  within: number
  /** how many times it reaches MAAS */
  sent: number
  record: LogRecord
  metrics: readonly RegExp[]
}

const CLOSED = 'MAAS_PROXY_UPSTREAM_CLOSED'
const MALFORMED = 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED'
const counted = (code: string) => new RegExp(`^maas_auth_proxy_upstream_errors_total\\{code="${code}"\\} 1$`, 'm')
const REPEATED = /^maas_auth_proxy_retries_total 1$/m

const ROWS: readonly Row[] = [
  { reason: 'a kept connection closes, a read', bytes: READ, fates: [CLOSE, send(OK)], status: 200, within: 5, sent: 2, record: { attempts: 2, error: undefined }, metrics: [REPEATED] },
  { reason: 'a kept connection is reset, a read', bytes: READ, fates: [RESET, send(OK)], status: 200, within: 5, sent: 2, record: { attempts: 2, error: undefined }, metrics: [REPEATED] },
  { reason: 'the next one as well', bytes: READ, fates: [CLOSE, CLOSE], status: 502, within: 5, sent: 2, record: { attempts: 2, error: CLOSED }, metrics: [REPEATED, counted(CLOSED)] },
  { reason: 'a kept connection closes, a write', bytes: WRITE, fates: [CLOSE], status: 502, within: 5, sent: 1, record: { attempts: undefined, error: CLOSED }, metrics: [counted(CLOSED)] },
  { reason: 'an upload is refused before its end', bytes: UPLOAD, fates: [sendAndClose('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')], status: 413, within: 5, sent: 1, record: { attempts: undefined, error: undefined }, metrics: [] },
  { reason: 'interim responses', bytes: WRITE, fates: [send(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`)], status: 200, within: 5, sent: 1, record: { error: undefined }, metrics: [] },
  { reason: 'no answer', bytes: WRITE, fates: [HANG], status: 504, within: 10, sent: 1, record: { error: 'MAAS_PROXY_RESPONSE_TIMED_OUT' }, metrics: [counted('MAAS_PROXY_RESPONSE_TIMED_OUT')] },
  { reason: 'a transfer coding that nobody undoes', bytes: READ, fates: [send('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n')], status: 502, within: 5, sent: 1, record: { error: MALFORMED }, metrics: [counted(MALFORMED)] },
  { reason: 'a head of 80 KB', bytes: READ, fates: [send(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(80_000)}\r\n\r\n`)], status: 502, within: 5, sent: 1, record: { error: MALFORMED }, metrics: [counted(MALFORMED)] },
  { reason: 'a chunk that is all extension', bytes: READ, fates: [send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(400_000)}`)], status: 200, within: 5, sent: 1, record: { complete: false, error: MALFORMED }, metrics: [/^maas_auth_proxy_cut_off_total 1$/m] }
]

t.test('each failure of MAAS has its answer, its time, its record and its count', async t => {
  for (const { reason, bytes, fates, status, within, sent, record, metrics } of ROWS) {
    let count = 0
    const upstream = await keptUpstream(t, (socket, piece) => {
      if (/^(?:GET|POST) /.test(piece)) (count++ === 0 ? send(OK) : fates[count - 2] ?? HANG)(socket)
    })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, { responseTimeoutMs: ['1s'] }))
    await exchange(proxy.port, get('/MAAS/api/2.0/zones/'))
    const start = performance.now()
    const answer = await exchange(proxy.port, bytes)
    const seconds = (performance.now() - start) / 1000
    t.match(answer.slice(0, 100), new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.ok(seconds < within, `${reason}: ${seconds} s`)
    t.equal(count - 1, sent, `${reason}: reached MAAS`)
    t.match(await proxy.logged(({ msg, path }) => msg === 'request' && path !== '/MAAS/api/2.0/zones/'), { status, ...record }, reason)
    const page = await exchange(proxy.port, get('/-/metrics'))
    for (const metric of metrics) t.match(page, metric, reason)
    if (metrics.length === 0) t.notMatch(page, /^maas_auth_proxy_(?:upstream_errors|retries|cut_off)_total(?:\{.*\})? [1-9]/m, `${reason}: no failure`)
  }
})

t.test('a request that cannot be sent reaches MAAS zero times', async t => {
  const gone = createServer()
  const refusing = await listenOn(t, gone)
  gone.close()
  const deaf = await listenOn(t, createServer())
  await deafServer(t, '127.0.0.3', deaf)
  const rows: Array<[reason: string, address: string, status: number, code: string]> = [
    ['refused', `127.0.0.1:${refusing}`, 502, 'MAAS_PROXY_UPSTREAM_REFUSED'],
    ['no answer to a SYN', `127.0.0.3:${deaf}`, 504, 'MAAS_PROXY_CONNECT_TIMED_OUT'],
    ['no such name', 'no-such-host.invalid:5240', 502, 'MAAS_PROXY_UPSTREAM_NAME_UNKNOWN']
  ]
  for (const [reason, address, status, code] of rows) {
    const proxy = await startTestProxy(t, testConfig(`http://${address}/MAAS`, { connectTimeoutMs: ['1s'] }))
    const start = performance.now()
    const answer = await exchange(proxy.port, WRITE)
    t.ok(performance.now() - start < 6000, reason)
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), reason)
    const { error } = jsonBody(answer)
    t.equal(error?.code, code, reason)
    t.notMatch(error?.remedy, /may have happened/, reason)
    t.match(await proxy.logged(({ msg }) => msg === 'request'), { status, error: code }, reason)
    t.match(await exchange(proxy.port, get('/-/metrics')), counted(code), reason)
  }
})

t.test('interim responses say nothing against a MAAS that is ready', async t => {
  const body = '{"username":"a","is_superuser":true}'
  const upstream = await keptUpstream(t, socket => { socket.write(`HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`) })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  t.match(await exchange(proxy.port, get('/-/ready')), /^HTTP\/1.1 200 /)
})
