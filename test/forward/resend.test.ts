import t from 'tap'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { makeCertificates } from '../helper/certificates.ts'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { closed, exchange, get, jsonBody, keptUpstream, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

interface Test { after: (close: () => unknown) => void }

/** What the upstream does when a request has arrived. */
type Fate = string | ((socket: Socket) => void)

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const WITHOUT_BODY = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'
const CLOSE: Fate = socket => socket.destroy()
const RESET: Fate = socket => socket.resetAndDestroy()
const HANG: Fate = () => {}
const sendAndClose = (bytes: string): Fate => socket => socket.end(bytes)
const sendAndReset = (bytes: string): Fate => socket => { socket.write(bytes, () => socket.resetAndDestroy()) }

/** A server that deals its fates out one a request. */
async function fatefulUpstream (t: Test, fates: readonly Fate[], tls: { key: string, cert: string } | null = null) {
  const upstream = await keptUpstream(t, (socket, _request, i) => {
    const fate = fates[i] ?? OK
    if (typeof fate === 'string') socket.write(fate)
    else fate(socket)
  }, tls)
  return { ...upstream, url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${upstream.port}/MAAS` }
}

const WARMING = '/MAAS/api/2.0/zones/'
const VERSION = get('/MAAS/api/2.0/version/')
const MACHINES = get('/MAAS/api/2.0/machines/')
const withBody = (method: string, path: string) => request([`${method} /MAAS/api/2.0/${path} HTTP/1.1`, 'Host: localhost', 'Content-Length: 4'], 'body')
const nonceOf = (text: string) => /oauth_nonce="([^"]+)"/.exec(text)?.[1]

/** Makes sure of a connection that an answer has come on, which the next request then takes. */
async function warm (proxy: TestProxy): Promise<void> {
  await exchange(proxy.port, get(WARMING))
}

/*
 * A server may close an idle connection at the very moment at which a request is put on it, and nobody can tell whether
 * it read the request. So what could have an effect is given up, and what could not is sent again, once, with a nonce
 * of its own.
 */
t.test('a read that met a closing connection is sent once more, and nothing else ever is', async t => {
  const rows: Array<[reason: string, bytes: string, fates: Fate[], sent: number, status: number]> = [
    ['closed without a byte', MACHINES, [CLOSE], 2, 200],
    ['reset without a byte', MACHINES, [RESET], 2, 200],
    ['an anonymous one alike', VERSION, [CLOSE], 2, 200],
    ['HEAD alike', MACHINES.replace('GET', 'HEAD'), [CLOSE, WITHOUT_BODY], 2, 200],
    ['the second time too', MACHINES, [CLOSE, CLOSE], 2, 502],
    ['the second time halfway', MACHINES, [CLOSE, sendAndClose('HTTP/1.1 2')], 2, 502],
    ['an answer of MAAS to the second', MACHINES, [CLOSE, 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'], 2, 404],
    ['POST', request(['POST /MAAS/api/2.0/machines/?op=allocate HTTP/1.1', 'Host: localhost', 'Content-Length: 0']), [CLOSE], 1, 502],
    ['POST with a body', withBody('POST', 'machines/'), [CLOSE], 1, 502],
    ['PUT', withBody('PUT', 'machines/x/'), [CLOSE], 1, 502],
    ['DELETE', request(['DELETE /MAAS/api/2.0/machines/x/ HTTP/1.1', 'Host: localhost']), [CLOSE], 1, 502],
    ['GET with a body, which is gone', withBody('GET', 'machines/'), [CLOSE], 1, 502],
    ['a read that has an effect', get('/MAAS/api/2.0/machines/x/?op=query_power_state'), [CLOSE], 1, 502],
    ['half a status line came', MACHINES, [sendAndClose('HTTP/1.1 2')], 1, 502],
    ['half a header came', MACHINES, [sendAndClose('HTTP/1.1 200 OK\r\nContent-Le')], 1, 502],
    ['reset in the middle of the body', MACHINES, [sendAndReset('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome')], 1, 200],
    ['401, and not for its timestamp', MACHINES, ['HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'], 1, 401],
    ['409 that asks to try again', MACHINES, ['HTTP/1.1 409 Conflict\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n'], 1, 409],
    ['503 that asks to try again', MACHINES, ['HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n'], 1, 503],
    ['no answer in time', MACHINES, [HANG], 1, 504]
  ]
  for (const [reason, bytes, fates, sent, status] of rows) {
    const upstream = await fatefulUpstream(t, [OK, ...fates])
    const proxy = await startTestProxy(t, testConfig(upstream.url, { responseTimeoutMs: ['1s'] }))
    await warm(proxy)
    const answer = await exchange(proxy.port, bytes)
    const requests = upstream.requests.slice(1)
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.equal(requests.length, sent, `${reason}: sent ${sent} times`)
    t.equal(upstream.sockets.length, sent, 'the first time on the connection that there was')
    if (sent === 2 && bytes !== VERSION) t.not(nonceOf(requests[0] as string), nonceOf(requests[1] as string), 'signed anew')
    if (bytes === VERSION) t.notMatch(requests.join(), /authorization/i, 'neither is signed')
    if (status === 502) t.equal(jsonBody(answer).error?.code, 'MAAS_PROXY_UPSTREAM_CLOSED')
    t.match(await proxy.logged(record => record['msg'] === 'request' && record['path'] !== WARMING), { attempts: sent === 1 ? undefined : 2 }, 'the record says how often')
  }
})

t.test('a request that was not yet written when its connection was reset is sent on another one', async t => {
  const rows: Array<[method: string, target: string, reason: string]> = [
    ['GET', 'machines/', 'a read'],
    ['POST', 'machines/?op=allocate', 'a write, of which MAAS has got nothing']
  ]
  for (const [method, target, reason] of rows) {
    const upstream = await fatefulUpstream(t, [])
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    await warm(proxy)
    const client = connect(proxy.port, '127.0.0.1')
    client.write('GET /-/live HTTP/1.1\r\nHost: localhost\r\n\r\n') // so that the proxy has accepted it
    await once(client, 'data')
    const answer = readAll(client)
    // Both are there when the proxy looks, and the request is the first.
    client.write(request([`${method} /MAAS/api/2.0/${target} HTTP/1.1`, 'Host: localhost', 'Content-Length: 0']))
    upstream.sockets[0]?.resetAndDestroy()
    t.match(await answer, /^HTTP\/1.1 200 /, reason)
    t.equal(upstream.requests.length, 2, `${reason}: MAAS has got it once`)
  }
})

t.test('a request is repeated at most once', async t => {
  const now = Math.floor(Date.now() / 1000)
  const expired = `Authorization Error: 'Expired timestamp: given 1 and now ${now} has a greater difference than threshold 300'`
  const refusal = `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${expired.length}\r\n\r\n${expired}`
  const rows: Array<[reason: string, fates: Fate[], status: number]> = [
    ['two idle connections that close', [CLOSE, CLOSE], 502],
    ['one that closes, then a timestamp that is refused', [CLOSE, refusal], 401],
    ['a timestamp that is refused, then one that closes', [refusal, CLOSE], 502]
  ]
  for (const [reason, fates, status] of rows) {
    const waiting: Socket[] = []
    const together: Fate = socket => { if (waiting.push(socket) === 2) for (const one of waiting) one.write(OK) }
    const upstream = await fatefulUpstream(t, [together, together, ...fates])
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    await Promise.all([warm(proxy), warm(proxy)])
    t.match(await exchange(proxy.port, MACHINES), new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.equal(upstream.requests.length, 4, reason)
    t.equal(upstream.sockets.length, 3, 'the first time on a connection that there was, the second time on one of its own')
    const record = await proxy.logged(record => record['msg'] === 'request' && record['path'] !== WARMING)
    t.match(record, { attempts: 2, upstreamMs: status === 502 ? undefined : Number }, `${reason}: the time is that of the second`)
  }
})

t.test('a request on a new connection is not repeated', async t => {
  for (const fate of [CLOSE, RESET]) {
    const upstream = await fatefulUpstream(t, [fate])
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 502 [^]*MAAS_PROXY_UPSTREAM_CLOSED/)
    t.equal(upstream.requests.length, 1)
    t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /, 'the next one is right')
    t.equal(upstream.requests.length, 2)
  }
})

t.test('TLS records before the answer do not count as its bytes', async t => {
  const { ca, ...tls } = await makeCertificates()
  const rows: Array<[reason: string, isWarm: boolean, fate: Fate, sent: number, status: number]> = [
    ['closed', true, CLOSE, 2, 200],
    ['closed in order, with an alert', true, socket => socket.end(), 2, 200],
    ['half a status line', true, sendAndClose('HTTP/1.1 2'), 1, 502],
    ['a new connection, on which a handshake and session tickets have come', false, CLOSE, 1, 502]
  ]
  for (const [reason, isWarm, fate, sent, status] of rows) {
    const upstream = await fatefulUpstream(t, isWarm ? [OK, fate] : [fate], tls)
    const proxy = await startTestProxy(t, testConfig(upstream.url, { caFile: [`${t.testdir({ ca })}/ca`] }))
    if (isWarm) await warm(proxy)
    const before = upstream.requests.length
    t.match(await exchange(proxy.port, MACHINES), new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.equal(upstream.requests.length - before, sent, `${reason}: sent ${sent} times`)
  }
})

t.test('a request whose client has gone is not repeated', async t => {
  const upstream = await fatefulUpstream(t, [OK, HANG])
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await warm(proxy)
  const client = connect(proxy.port, '127.0.0.1')
  client.write(MACHINES)
  await until('the request has reached MAAS', () => upstream.requests.length === 2)
  client.destroy()
  await closed(upstream.sockets[0])
  t.match(await proxy.logged(record => record['path'] === '/MAAS/api/2.0/machines/'), { complete: false, attempts: undefined })
  await warm(proxy)
  t.equal(upstream.requests.length, 3, 'only the next request has come')
})
