import t from 'tap'
import { chmodSync } from 'node:fs'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { Exchange } from '../../src/exchange/exchange.ts'
import type { Outcome } from '../../src/exchange/plugin.ts'
import { Health } from '../../src/observe/health.ts'
import { runHere, startProgram } from '../helper/process.ts'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, rawUpstream, request, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const ready = (answer: string) => [
  answer.slice(9, 12),
  (jsonBody(answer) as { reason?: string, remedy?: string }).reason,
  (jsonBody(answer) as { remedy?: string }).remedy
]

t.test('/-/live means running, /-/ready means that MAAS answers and accepts the key', async t => {
  const maas = await startStandIn()
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
  t.match(await exchange(proxy.port, get('/-/live')), /^HTTP\/1\.1 200 [^]*cache-control: no-store[^]*\{"live":true\}/i)
  const first = await exchange(proxy.port, get('/-/ready'))
  t.strictSame(ready(first), ['200', 'MAAS answers, and takes the API key as that of admin', null])
  t.match(jsonBody(first), { clockOffsetSeconds: Number }, 'and what is known of its clock')
  t.equal(maas.records.length, 1, 'by one question')
  await exchange(proxy.port, get('/-/ready?verbose'))
  t.equal(maas.records.length, 1, 'which is not asked again while the answer is fresh')
  await maas.close()
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 502 /)
  t.match(ready(await exchange(proxy.port, get('/-/ready'))), ['503', 'MAAS refused the connection', /check that MAAS runs/], 'a failed request is reason to ask')
  t.match(await exchange(proxy.port, get('/-/live')), /^HTTP\/1\.1 200 /, 'live all the same')
  const again = await startStandIn({ port: maas.port })
  t.after(() => again.close())
  let answer = ''
  await until('MAAS is asked again', async () => {
    answer = await exchange(proxy.port, get('/-/ready'))
    return answer.startsWith('HTTP/1.1 503') && /401/.test(answer)
  })
  t.match(ready(answer), ['503', 'MAAS answers 401 to /MAAS/api/2.0/users/?op=whoami', /consumer key/], 'and comes back by itself: here to a MAAS that has another key')
})

t.test('recent traffic proves readiness without a probe', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  t.strictSame(ready(await exchange(proxy.port, get('/-/ready'))), ['200', 'MAAS answers and takes the API key', null])
  t.equal(upstream.sockets.length, 1)
  await exchange(proxy.port, get('/MAAS/api/2.0/version/'))
  t.strictSame(ready(await exchange(proxy.port, get('/-/ready')))[0], '200', 'what went unsigned is none, and no reason to ask either')
  t.equal(upstream.sockets.length, 2)
})

t.test('only answers of MAAS prove that the key is accepted', async t => {
  const rows: Array<[status: string, reason: string]> = [
    ['300 Multiple Choices', 'nginx redirects whoever asks'],
    ['304 Not Modified', 'so does what caches'],
    ['413 Content Too Large', 'nginx refuses before anybody looks at a key']
  ]
  for (const [status, reason] of rows) {
    const upstream = await rawUpstream(t, (socket, head) => {
      socket.end(`HTTP/1.1 ${head.startsWith('POST') ? status : '401 Unauthorized'}\r\nContent-Length: 0\r\n\r\n`)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/').replace('GET', 'POST')), `HTTP/1.1 ${status}`)
    t.match(ready(await exchange(proxy.port, get('/-/ready'))), ['503', /MAAS answers 401/], `${status}: ${reason}`)
  }
})

t.test('a 401 causes a probe; unsigned requests prove nothing', async t => {
  let status = 200
  const upstream = await rawUpstream(t, (socket, head) => {
    socket.end(`HTTP/1.1 ${head.includes('whoami') ? 401 : status} X\r\nContent-Length: 0\r\n\r\n`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[path: string, status: number, ready: string, reason: string]> = [
    ['version/', 200, '503', 'nobody has looked at the key'],
    ['machines/', 200, '200', 'somebody has, and took it'],
    ['version/', 401, '200', 'the key has nothing to do with that'],
    ['machines/', 401, '503', 'here it has'],
    ...[502, 503, 504].flatMap((failure): Array<[string, number, string, string]> => [
      ['machines/', 200, '200', 'it is taken again'],
      ['version/', failure, '503', 'what is in front of MAAS does not reach it, signed or not']
    ]),
    ['machines/', 200, '200', 'it is taken again'],
    ['version/', 500, '200', 'an error of MAAS is an answer']
  ]
  for (const [path, given, wanted, reason] of rows) {
    status = given
    t.match(await exchange(proxy.port, get(`/MAAS/api/2.0/${path}`)), `HTTP/1.1 ${given} `)
    t.equal(ready(await exchange(proxy.port, get('/-/ready')))[0], wanted, `${path} ${given}: ${reason}`)
  }
})

t.test('success counts for 30 seconds, a failure for one', async t => {
  let now = 1000
  t.intercept(performance, 'now', { value: () => now })
  let works = true
  let asked = 0
  const health = new Health(async () => {
    asked++
    return { ready: works, reason: '', remedy: null }
  })
  const rows: Array<[passed: number, works: boolean, asked: number, reason: string]> = [
    [0, true, 1, 'nothing is known yet'],
    [29_999, true, 1, 'what worked is fresh'],
    [1, false, 2, 'and is not any more'],
    [999, true, 2, 'what did not work is not asked at once'],
    [1, true, 3, 'but then']
  ]
  for (const [passed, worksNow, wanted, reason] of rows) {
    now += passed
    works = worksNow
    await health.ask()
    t.equal(asked, wanted, reason)
  }
  const request = Object.assign(new Exchange(), { attempts: 1, access: 'signed' })
  now += 40_000
  health.observe({ exchange: request, status: 200, ms: 40_000 } as unknown as Outcome)
  now += 29_999
  await health.ask()
  t.equal(asked, 3, 'a request is proof from its end on, not from its beginning')
})

t.test('answers to the question for the owner of the key', async t => {
  const bob = '{"username":"bob"}'
  const expired = `Expired timestamp: given 1 and now ${Math.floor(Date.now() / 1000)} has`
  const rows: Array<[status: number, body: string, ready: string, told: RegExp, asked: number, reason: string]> = [
    [200, bob, '200', /that of bob/, 1, 'a user'],
    [200, bob.padStart(64 * 1024), '200', /that of bob/, 1, 'as long as an answer may be'],
    [200, bob.padStart(64 * 1024 + 1), '503', /answers 200/, 1, 'a byte longer'],
    [200, 'null', '503', /answers 200/, 1, 'JSON, and no object'],
    [200, '"bob"', '503', /answers 200/, 1, 'a text'],
    [200, '{"username":7}', '503', /answers 200/, 1, 'a name that is none'],
    [200, 'bob', '503', /answers 200/, 1, 'no JSON'],
    [203, bob, '503', /answers 203/, 1, 'not from MAAS itself'],
    [401, expired, '503', /answers 401.*clock/, 2, 'a refused timestamp, which is put right once'],
    [401, '', '503', /answers 401.*external authentication/, 1, 'a challenge of Candid'],
    [401, 'Invalid API key', '503', /answers 401.*consumer key/, 1, 'another refusal'],
    [400, expired, '503', /answers 400/, 1, 'what only reads like a refusal'],
    [302, '', '503', /answers 302/, 1, 'a redirect to nowhere']
  ]
  for (const [status, body, wanted, told, asked, reason] of rows) {
    const upstream = await rawUpstream(t, socket => {
      const fields = ['Location: nowhere', 'WWW-Authenticate: Macaroon', `Content-Length: ${body.length}`]
      socket.end([`HTTP/1.1 ${status} X`, ...fields, '', body].join('\r\n'))
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const [code, ...words] = ready(await exchange(proxy.port, get('/-/ready')))
    t.equal(code, wanted, reason)
    t.match(words.join(), told, reason)
    t.equal(upstream.sockets.length, asked, `${reason}: asked ${asked} times`)
    t.match(upstream.received(), /^via: 1\.1 maas-auth-proxy-/im, 'so that it is known where it comes back')
  }
})

t.test('simultaneous questions share a probe, and a new key needs a new one', async t => {
  let asked = 0
  const answers: Array<(ready: boolean) => void> = []
  const health = new Health(async () => await new Promise(resolve => {
    asked++
    answers.push(ready => { resolve({ ready, reason: `answer ${asked}`, remedy: null }) })
  }))
  t.match(health.lastKnown, { ready: false, reason: /not been asked/ })
  const first = Promise.all([health.ask(), health.ask()])
  t.equal(asked, 1)
  health.invalidate()
  const second = health.ask()
  t.equal(asked, 2)
  answers[1]?.(false)
  t.match(await second, { ready: false })
  answers[0]?.(true)
  t.match(await first, [{ ready: true }, { ready: true }], 'who asked before gets that answer')
  t.match(health.lastKnown, { ready: false }, 'but it is not what counts now')
})

t.test('a request with the old key does not prove the new key', async t => {
  const health = new Health(async () => ({ ready: false, reason: 'the new key is not taken', remedy: null }))
  const old = new Exchange()
  health.invalidate()
  t.match(await health.ask(), { ready: false })
  const outcome = (exchange: Exchange) => ({ exchange: Object.assign(exchange, { attempts: 1, access: 'signed' }), status: 200 }) as unknown as Outcome
  health.observe(outcome(old))
  t.match(health.lastKnown, { ready: false }, 'which began before the key was replaced, and ended after')
  health.observe(outcome(new Exchange()))
  t.match(health.lastKnown, { ready: true }, 'one that began after it is')
})

t.test('status pages need no token, but a valid Host', async t => {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [`${dir}/tokens`] }))
  t.match(await exchange(proxy.port, get('/-/live')), /^HTTP\/1\.1 200 /)
  t.match(await exchange(proxy.port, get('/')), /^HTTP\/1\.1 401 /, 'other pages do')
  t.match(await exchange(proxy.port, get('/-/live').replace('localhost', 'evil.example')), /^HTTP\/1\.1 403 /)
  for (const target of ['/-/livex', '/-/', '/-//live', '/-/%6cive']) t.match(await exchange(proxy.port, get(target)), /^HTTP\/1\.1 40[14] /, target)
  t.match(await exchange(proxy.port, get('/-/live').replace('GET', 'POST')), /^HTTP\/1\.1 404 /, 'a page is read')
})

t.test('an address of their own serves the status pages to any Host, and nothing else', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { adminListen: ['127.0.0.1:0'] }))
  const port = Number(new URL(proxy.adminAddress ?? '').port)
  t.match(await proxy.logged(record => record['msg'] === 'status pages'), { address: `http://127.0.0.1:${port}` })
  t.match(await exchange(port, get('/-/live').replace('localhost', '10.1.2.3')), /^HTTP\/1\.1 200 /)
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  t.match(await exchange(port, get('/-/ready')), /^HTTP\/1\.1 200 /)
  t.match(jsonBody(await exchange(port, get('/MAAS/api/2.0/machines/'))).error, { code: 'MAAS_PROXY_PATH_UNSERVED', remedy: /\/-\/live/ })
  for (const path of ['/', '/-/live']) t.match(jsonBody(await exchange(port, request([`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', 'Content-Length: 1', 'Connection: close'], '{'))).error, { code: 'MAAS_PROXY_PATH_UNSERVED' }, 'what a client writes wrongly is no failure of the proxy')
  t.match(await exchange(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [^]*MAAS_PROXY_REQUEST_MALFORMED/)
  t.equal(upstream.sockets.length, 1)
})

t.test('during the shutdown delay readiness fails and requests are served', async t => {
  const upstream = await rawUpstream(t, socket => { setImmediate(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')) })
  const program = startProgram(t, ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--shutdown-delay', '1h'], { MAAS_URL: upstream.url, MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` })
  await program.printed('status pages')
  const [port = 0, admin = 0] = [...program.stdout().matchAll(/"address":"http:\/\/127\.0\.0\.1:(\d+)"/g)].map(([, port]) => Number(port))
  program.child.kill('SIGTERM')
  await program.printed('"stopping"')
  for (const at of [port, admin]) t.match(ready(await exchange(at, get('/-/ready'))), ['503', 'the proxy is shutting down'])
  t.match(await exchange(admin, get('/-/live')), /^HTTP\/1\.1 200 /)
  t.match(await exchange(port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /, 'still served')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 143, 'a second signal does not wait')
})

t.test('the command ready asks the proxy that runs with the same settings', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const dir = socketDir(t)
  const proxy = await startTestProxy(t, testConfig(maas.url, { listen: [`unix:${dir}/s`], adminListen: ['127.0.0.1:0'] }, `${consumer}:${token}:${secret}`))
  const other = await rawUpstream(t, socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
  const odd = await rawUpstream(t, socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull'))
  const admin = (proxy.adminAddress ?? '').replace('http://127.0.0.1', '')
  const rows: Array<[argv: string[], code: number, stdout: RegExp, stderr: RegExp, reason: string]> = [
    [['--listen', `unix:${dir}/s`], 0, /^ready: MAAS answers, and takes the API key as that of admin\n$/, /^$/, 'by a socket, without a key'],
    [['--admin-listen', `0.0.0.0${admin}`, '--json'], 0, /^\{\n {2}"ready": true,/, /^$/, 'by the address for probes, for a program'],
    [['--listen', '127.0.0.1:1'], 1, /^$/, /^maas-auth-proxy: error: no proxy answers at http:\/\/127\.0\.0\.1:1 \(connect ECONNREFUSED 127\.0\.0\.1:1\)\nmaas-auth-proxy: hint: start one there, or say where one runs with --listen or --admin-listen\n$/, 'nobody there'],
    [['--listen', `unix:${dir}/none`], 1, /^$/, /error: no proxy answers at unix:.*none \(connect ENOENT .*none\)\n/, 'no socket there'],
    [['--listen', String(other.port)], 1, /^$/, /error: what answers at http:\/\/127\.0\.0\.1:\d+ is not maas-auth-proxy \(status 200\)\n/, 'somebody else there'],
    [['--listen', String(odd.port)], 1, /^$/, /is not maas-auth-proxy/, 'somebody else who speaks JSON'],
    [['--listen', '0'], 2, /^$/, /the port is 0/, 'nobody knows where'],
    [['--admin-listen', 'x'], 2, /^$/, /--admin-listen: "x" is not an address/, 'settings that are wrong']
  ]
  for (const [argv, code, stdout, stderr, reason] of rows) {
    const result = await runHere(['ready', ...argv])
    t.equal(result.code, code, reason)
    t.match(result.stdout, stdout, reason)
    t.match(result.stderr, stderr, reason)
  }
  const down = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS'))
  const program = startProgram(t, ['ready', '--listen', String(down.port)])
  t.equal(await program.ended, 1, 'one that is not ready')
  t.match(program.stderr(), /^maas-auth-proxy: error: not ready: MAAS refused the connection\nmaas-auth-proxy: hint: check that MAAS runs/)
  t.match(await runHere(['ready', '--json', '--listen', String(down.port)]), { code: 1, stdout: /"ready": false,\n {2}"reason": "MAAS refused the connection"/, stderr: '' })
})
