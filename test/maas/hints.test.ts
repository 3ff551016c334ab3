import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { type ErrorAnswer, findHint } from '../../src/maas/hints.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, rawUpstream, readAll } from '../helper/sockets.ts'

t.test('what MAAS says is explained', async t => {
  const answer = (status: number, body: string | null = null, more: Partial<ErrorAnswer> = {}): ErrorAnswer => ({ status, access: 'signed', retryAfter: null, challenge: null, body, ...more })
  const oauth = { challenge: 'OAuth realm="OAuth"' }
  const rows: Array<[answer: ErrorAnswer, wanted: RegExp | null, reason: string]> = [
    [answer(401, 'Authorization Error: Invalid API key.', oauth), /consumer key, the first part/, 'bad consumer'],
    [answer(401, "Authorization Error: 'Invalid access token: nosuchtoken'", oauth), /token key, the second part/, 'bad token'],
    [answer(401, "Authorization Error: 'Invalid signature. Expected signature base string: [token secret]'", oauth), /token secret, the third part/, 'bad secret'],
    [answer(401, "Authorization Error: 'Expired timestamp: given 1 and now 2 has a greater difference than threshold 300'", oauth), /clock of this machine/, 'timestamp 400 s old'],
    [answer(401, "Authorization Error: 'Nonce already used: 358a'", oauth), /send it again/, 'the same nonce again'],
    [answer(401, 'You must be logged in to accept machines.', { access: 'anonymous' }), /MAAS-Proxy-Access: signed/, 'POST machines op=accept, anonymous'],
    [answer(401, 'Forbidden', { access: 'anonymous' }), /^sent unsigned/, 'whoami, anonymous'],
    [answer(401, 'Forbidden'), /external authentication/, 'signed, and yet not seen as signed'],
    [answer(401, '{"Code": "macaroon discharge required"}', { challenge: 'Macaroon' }), /external authentication/, 'a macaroon'],
    [answer(401, 'something new', oauth), null, 'what nobody has seen'],
    [answer(403, 'This method is reserved for admin users.'), /administrator/, 'plain user: admin-only POST users'],
    [answer(400, 'Unrecognised signature: method=GET op=nosuch'), /check the method, the path and op/, 'wrong op, signed'],
    [answer(400, 'Unrecognised signature: method=GET op=None', { access: 'anonymous' }), /^sent unsigned/, 'GET machines, anonymous'],
    [answer(400, '<center>The plain HTTP request was sent to HTTPS port</center>', { access: 'anonymous' }), /https:\/\/ in MAAS_URL/, 'http on the TLS port of nginx'],
    [answer(400, 'Filename not supplied'), null, 'another 400'],
    [answer(400), null, 'one that was not looked at'],
    [answer(409, null, { retryAfter: '5' }), /after Retry-After seconds/, 'a conflict of transactions'],
    [answer(409), /retrying will not help/, 'POST machines op=allocate, signed'],
    [answer(413), /10 MB/, 'POST files over 10M'],
    [answer(502), /whether it is starting or down/, 'nginx while the region controller restarts'],
    [answer(503, null, { retryAfter: '10' }), /after Retry-After seconds/, 'no rack controller'],
    [answer(503), /see the answer/, 'a power problem'],
    [answer(404, 'No Machine matches the given query.'), null, 'what needs no explaining'],
    [answer(500), null, 'nor can be']
  ]
  for (const [given, wanted, reason] of rows) {
    const hint = findHint(given)
    if (wanted === null) t.equal(hint, null, reason)
    else t.match(hint, wanted, reason)
    t.match(hint ?? '', /^[\x20-\x7e]*$/, 'it may stand in a header')
  }
})

t.test("a hint stands beside MAAS's own answer, and in the log", async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.user
  const ask = async (key: string, path: string, init?: RequestInit) => {
    const proxy = await startTestProxy(t, testConfig(maas.url, { allowCredentialOperations: ['true'] }, key))
    const answer = await fetch(`${proxy.address}/MAAS/api/2.0/${path}`, init)
    return { status: answer.status, hint: answer.headers.get('maas-proxy-hint'), body: await answer.text(), record: await proxy.logged(record => record['msg'] === 'request') }
  }
  const mistyped = (text: string) => (text.startsWith('x') ? 'y' : 'x') + text.slice(1)
  const rows: Array<[key: string, path: string, init: RequestInit, status: number, hint: RegExp, body: RegExp]> = [
    [`${mistyped(consumer)}:${token}:${secret}`, 'users/?op=whoami', {}, 401, /consumer key/, /Invalid API key/],
    [`${consumer}:${mistyped(token)}:${secret}`, 'users/?op=whoami', {}, 401, /token key/, /Invalid access token/],
    [`${consumer}:${token}:${'x'.repeat(32)}`, 'users/?op=whoami', {}, 401, /token secret/, /Invalid signature/],
    [`${consumer}:${token}:${secret}`, 'users/', { method: 'POST' }, 403, /administrator/, /reserved for admin users/],
    [`${consumer}:${token}:${secret}`, 'machines/?op=nosuch', {}, 400, /check the method/, /Unrecognised signature/],
    [`${consumer}:${token}:${secret}`, 'machines/?op=allocate', { method: 'POST', body: new URLSearchParams({ name: 'nosuch' }) }, 409, /retrying will not help/, /No available machine/]
  ]
  for (const [key, path, init, status, hint, body] of rows) t.match(await ask(key, path, init), { status, hint, body, record: { hint, status } }, `${path} ${hint}`)
  t.match(await ask(`${consumer}:${token}:${secret}`, 'users/?op=whoami'), { status: 200, hint: null, record: { hint: undefined } })
})

t.test('a 400 is held for a hint only if it is short', async t => {
  const unknown = 'Unrecognised signature'
  const rows: Array<[framing: string, body: string, hint: boolean, reason: string]> = [
    ['Content-Length: 1024', unknown.padEnd(1024), true, 'as long as one that is held may be'],
    ['Content-Length: 1025', unknown.padEnd(1025), false, 'a byte longer'],
    ['X: y', unknown, false, 'nobody knows how long']
  ]
  for (const [framing, body, hint, reason] of rows) {
    const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 400 Bad Request\r\n${framing}\r\nConnection: close\r\n\r\n${body}`))
    const answer = await exchange((await startTestProxy(t, testConfig(upstream.url))).port, get('/MAAS/api/2.0/machines/'))
    t.ok(answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, '').includes(body), `${reason}: the body, without the framing of chunks`)
    t.equal(/^maas-proxy-hint: /im.test(answer), hint, reason)
  }
})

t.test('an answer whose status alone has a hint is passed on as it comes', async t => {
  const upstream = await rawUpstream(t, socket => socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 11\r\nConnection: close\r\n\r\nfirst'))
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  const answer = readAll(socket)
  socket.write(get('/MAAS/api/2.0/machines/'))
  const [start] = await once(socket, 'data')
  t.match(String(start), /^HTTP\/1.1 503 [^]*MAAS-Proxy-Hint: /i, 'with its hint')
  upstream.sockets[0]?.end('second')
  t.match(await answer, /\r\n\r\nfirstsecond$/)
})
