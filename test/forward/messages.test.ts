import t from 'tap'
import type { Socket } from 'node:net'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, headLines, jsonBody, OK, rawUpstream, request, withoutSignature } from '../helper/sockets.ts'

/** What undici puts in front of every request of ours. */
const OWN_LINES = (port: number) => [`host: 127.0.0.1:${port}`, 'connection: keep-alive']

t.test('the bytes of a path and a query arrive as they were sent', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[target: string, reason: string]> = [
    ['/MAAS/api/2.0/machines/', 'plain'],
    ['/MAAS/api/2.0/machines', 'without its slash: MAAS says 404, not we'],
    ['/MAAS/api/2.0/files/a%20b/', 'an escaped blank'],
    ['/MAAS/api/2.0/files/d%2Fe/', 'an escaped slash'],
    ['/MAAS/api/2.0/files/%C3%A9/', 'UTF-8'],
    ['/MAAS/api/2.0/files/%c3%a9/', 'hex digits keep their case'],
    ['/MAAS/api/2.0/files/100%25/', 'an escaped percent sign'],
    ['/MAAS/api/2.0/files/a%3Bb/', 'an escaped semicolon'],
    ['/MAAS/api/2.0/mach%69nes/', 'letters that need no escape keep theirs'],
    ['/MAAS/api/2.0//machines//', 'double slashes inside'],
    ['/MAAS/api/2.0/files/..a/b../...', 'dots that are no dot segment'],
    ['/MAAS/api/2.0/subnets/10.0.0.0/24/', 'a CIDR'],
    ["/MAAS/api/2.0/x/!$&'()*+,=:@~_-", 'all that a path may have'],
    ['/MAAS/api/2.0/machines/?op=', 'the empty op of gomaasapi'],
    ['/MAAS/api/2.0/machines/?', 'a query that is empty'],
    ['/MAAS/api/2.0/machines/?a=1&a=2&b=&c&&d=+%2b%20', 'repeated and empty parameters, order, plus'],
    ['/MAAS/api/2.0/machines/?q=%zz&r=a%', 'escapes that a query may have wrong'],
    ['/MAAS/api/2.0/machines/?a=/../?;#'.replace('#', '%23'), 'in a query dots, slashes and semicolons are text'],
    ['/MAAS/api/2.0/machines/?OAuth=1&xoauth_token=2', 'names that only look like OAuth']
  ]
  for (const [target, reason] of rows) {
    t.match(await exchange(proxy.port, get(target)), /^HTTP\/1.1 200/, reason)
    t.ok(upstream.received().includes(`GET ${target} HTTP/1.1\r\n`), `${target} arrived: ${reason}`)
  }
})

t.test('the fields of a request arrive in order, duplicates and spelling kept, without hop-by-hop fields', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, request([
    'GET /MAAS/api/2.0/machines/ HTTP/1.1',
    'Host: localhost',
    'X-Second: 2', 'x-first: 1', 'X-SECOND: again', 'User-Agent: old tool', 'Accept: */*', 'traceparent: 00-1', 'X-High: \xe9', 'X-Empty:',
    'Connection: x-named, Authorization', 'X-Named: dropped',
    'Keep-Alive: 1', 'TE: trailers', 'Trailer: x', 'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic x', 'Upgrade: h2c', 'HTTP2-Settings: x',
    'Cookie: sessionid=1', 'Cookie2: 1', 'Forwarded: for=1', 'X-Forwarded-For: 1', 'X-Forwarded-Host: evil', 'X_Forwarded_Proto: https', 'X-Real-IP: 1', 'x_real_ip: 1',
    'MAAS-Proxy-Anything: x', 'maas_proxy_access: anonymous',
    'Authorization: OAuth oauth_consumer_key="client"', 'Authorization: Bearer client'
  ]))
  t.strictSame(withoutSignature(headLines(upstream.received())), [
    'GET /MAAS/api/2.0/machines/ HTTP/1.1',
    ...OWN_LINES(upstream.port),
    'X-Second: 2', 'x-first: 1', 'X-SECOND: again', 'User-Agent: old tool', 'Accept: */*', 'traceparent: 00-1', 'X-High: \xe9', 'X-Empty: ',
    'Via: 1.1 maas-auth-proxy',
    'Authorization: OAuth'
  ])
  t.notMatch(upstream.received(), /client/, "nothing of the client's own Authorization")
})

t.test('an anonymous request has no Authorization, not even the client\'s', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/version/', 'Authorization: OAuth x="client"'))
  t.strictSame(withoutSignature(headLines(upstream.received())), ['GET /MAAS/api/2.0/version/ HTTP/1.1', ...OWN_LINES(upstream.port), 'Via: 1.1 maas-auth-proxy'])
})

t.test('MAAS-Proxy-Access changes the access of one request', async t => {
  const upstream = await rawUpstream(t)
  const signed = await startTestProxy(t, testConfig(upstream.url))
  const anonymous = await startTestProxy(t, testConfig(upstream.url, { dualOperations: ['anonymous'] }))
  const enlist = 'POST /MAAS/api/2.0/machines/ HTTP/1.1'
  const rows: Array<[proxy: typeof signed, line: string, field: string[], access: string, reason: string]> = [
    [signed, enlist, [], 'signed', 'create is signed'],
    [signed, enlist, ['MAAS-Proxy-Access: anonymous'], 'anonymous', 'unless asked: enlist'],
    [anonymous, enlist, [], 'anonymous', 'or set'],
    [anonymous, enlist, ['MAAS-Proxy-Access: signed'], 'signed', 'unless asked'],
    [signed, 'GET /MAAS/api/2.0/version/ HTTP/1.1', ['MAAS-Proxy-Access: signed'], 'signed', 'harmless']
  ]
  for (const [proxy, line, fields, access, reason] of rows) {
    const before = upstream.received().length
    await exchange(proxy.port, request([line, 'Host: localhost', ...fields, 'Content-Length: 0']))
    const head = upstream.received().slice(before)
    t.equal(/^Authorization: OAuth/m.test(head), access === 'signed', reason)
    t.notMatch(head, /maas-proxy/i)
  }
  const refused: Array<[line: string, value: string, code: string]> = [
    ['GET /MAAS/api/2.0/machines/ HTTP/1.1', 'anonymous', 'MAAS_PROXY_ACCESS_UNAVAILABLE'],
    ['GET /MAAS/api/2.0/nodes/?op=is_action_in_progress HTTP/1.1', 'signed', 'MAAS_PROXY_ACCESS_UNAVAILABLE'],
    [enlist, 'none', 'MAAS_PROXY_HEADER_MALFORMED'],
    [enlist, 'signed, anonymous', 'MAAS_PROXY_HEADER_MALFORMED']
  ]
  const before = upstream.received().length
  for (const [line, value, code] of refused) {
    t.equal(jsonBody(await exchange(signed.port, request([line, 'Host: localhost', `MAAS-Proxy-Access: ${value}`]))).error?.code, code, `${line}: ${value}`)
  }
  t.equal(upstream.received().length, before, 'nothing of these reached MAAS')
})

t.test('each request is signed afresh', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (let i = 0; i < 3; i++) await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  const nonces = [...upstream.received().matchAll(/oauth_nonce="([^"]+)"/g)].map(match => match[1])
  t.equal(new Set(nonces).size, 3)
})

t.test('the fields of an answer arrive in order, without hop-by-hop fields, cookies, HSTS and CORS', async t => {
  const upstream = await rawUpstream(t, [
    'HTTP/1.1 409 Try Again', 'X-B: 2', 'x-a: 1', 'X-B: again', 'Content-Type: text/plain; charset=utf-8', 'Content-Length: 2',
    'Connection: close, X-Named', 'X-Named: dropped', 'Connection: X-Also', 'X-Also: dropped', 'Keep-Alive: timeout=5', 'Proxy-Authenticate: Basic', 'Upgrade: h2c', 'Trailer: x',
    'Connection: Content-Length, date', // without these an answer is not whole, so they stay
    'Set-Cookie: sessionid=1', 'Set-Cookie2: sessionid=1',
    'Strict-Transport-Security: max-age=1', 'Access-Control-Allow-Origin: *', 'access-control-expose-headers: *',
    'MAAS-Proxy-Error: forged', 'Vary: Authorization, Cookie', 'X-MAAS-API-Hash: abc', 'WWW-Authenticate: OAuth realm="OAuth"', 'Retry-After: 5', 'X-High: \xe9',
    'Date: Tue, 24 Nov 2026 00:00:00 GMT', '', 'no'
  ].join('\r\n'))
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  t.strictSame(headLines(answer), [
    'HTTP/1.1 409 Try Again', 'X-B: 2', 'x-a: 1', 'X-B: again', 'Content-Type: text/plain; charset=utf-8', 'Content-Length: 2',
    'Vary: Authorization, Cookie', 'X-MAAS-API-Hash: abc', 'WWW-Authenticate: OAuth realm="OAuth"', 'Retry-After: 5', 'X-High: \xe9',
    'Date: Tue, 24 Nov 2026 00:00:00 GMT',
    'MAAS-Proxy-Hint: MAAS was busy with a conflicting request: send the request again after Retry-After seconds; if it stays, what you create may exist already',
    'Connection: close'
  ])
  t.match(answer, /\r\n\r\nno$/)
})

t.test('a redirect leads back to the proxy, or is explained', async t => {
  const upstream = await rawUpstream(t, (socket, head) => {
    const [, status, location] = /\?(\d+)=(\S*)/.exec(head) ?? []
    const name = status === '308' ? 'location' : 'Location'
    const to = place(location)
    const fields = ['Content-Length: 0', 'Vary: location', `Content-Location: ${to}`, `${name}: ${to}`]
    socket.end([`HTTP/1.1 ${status} Moved`, ...fields, '', ''].join('\r\n'))
  })
  const place = (encoded = '') => decodeURIComponent(encoded).replace('UPSTREAM', `127.0.0.1:${port}`)
  const { port } = upstream
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[status: number, location: string, wanted: string, reason: string]> = [
    [301, 'http://UPSTREAM/MAAS/r/?a=http://x', 'http://localhost:5241/MAAS/r/?a=http://x', "to MAAS's own origin"],
    [301, 'http://UPSTREAM', 'http://localhost:5241', 'to it without a path'],
    [301, 'http://UPSTREAM?a=/x', 'http://localhost:5241?a=/x', 'with a query alone'],
    [302, '/MAAS/?next=/x', '/MAAS/?next=/x', 'relative'],
    [307, 'http://elsewhere.example/x', 'http://elsewhere.example/x', 'to another host: passed on, not followed'],
    [301, 'https://elsewhere.example/x', 'https://elsewhere.example/x', 'by TLS too'],
    [302, 'http://127.0.0.1:1/x', 'http://127.0.0.1:1/x', 'to another port of its host, without TLS'],
    [300, '', '', 'nowhere'],
    [300, 'http://UPSTREAM/MAAS/', 'http://localhost:5241/MAAS/', 'the first status that is a redirect'],
    [399, 'http://UPSTREAM/MAAS/', 'http://localhost:5241/MAAS/', 'the last'],
    [308, 'http://UPSTREAM/MAAS/', 'http://localhost:5241/MAAS/', 'in small letters'],
    [400, 'http://UPSTREAM/MAAS/', `http://127.0.0.1:${port}/MAAS/`, 'an error is none'],
    [201, 'http://UPSTREAM/MAAS/x', `http://127.0.0.1:${port}/MAAS/x`, 'where it is no redirect']
  ]
  for (const [status, location, wanted, reason] of rows) {
    const answer = await exchange(proxy.port, get(`/MAAS/api/2.0/x/?${status}=${encodeURIComponent(location)}`).replace('localhost', 'localhost:5241'))
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.equal(/^Location: (.*)\r$/im.exec(answer)?.[1], wanted, reason)
  }
  const moved = await exchange(proxy.port, get(`/MAAS/api/2.0/x/?301=${encodeURIComponent('https://127.0.0.1:5443/MAAS/api/2.0/x/')}`))
  t.match(jsonBody(moved).error, { code: 'MAAS_PROXY_UPSTREAM_MOVED', message: 'MAAS has TLS and redirects to https://127.0.0.1:5443', remedy: 'set MAAS_URL=https://127.0.0.1:5443/MAAS' })
  const plain = await rawUpstream(t, 'HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n')
  t.match(await exchange((await startTestProxy(t, testConfig(plain.url))).port, get('/MAAS/api/2.0/x/')), /^HTTP\/1.1 304/, 'without a place to go')
})

t.test("the description's addresses lead to the proxy, and its hash stays right", async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const proxy = await startTestProxy(t, testConfig(maas.url))
  const direct = await (await fetch(`${maas.url}/api/2.0/describe/`)).text()
  const answer = await fetch(`${proxy.address}/MAAS/api/2.0/describe/`)
  t.equal(answer.headers.get('content-type'), 'application/json', 'exactly, for the CLI compares it')
  const text = await answer.text()
  t.equal(text, direct.replaceAll(maas.url.slice(0, -'/MAAS'.length), proxy.address))
  t.match(text, `"uri": "${proxy.address}/MAAS/api/2.0/machines/"`)
  t.equal(JSON.parse(text).hash, JSON.parse(direct).hash)

  const origin = (port: number) => `http://127.0.0.1:${port}`
  const body = (port: number) => `{"a": "${origin(port)}/x", "b": "${origin(port)}0/", "c": "see ${origin(port)}/", "d": "http://1", "e": "${origin(port)}/", "\xe9": 1`
  const upstream = await rawUpstream(t, socket => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (const byte of body(upstream.port)) socket.write(`1\r\n${byte}\r\n`, 'latin1')
    socket.write('0\r\n\r\n')
  })
  const other = await startTestProxy(t, testConfig(upstream.url))
  const pieces = Buffer.from(await (await fetch(`${other.address}/MAAS/api/2.0/describe/`)).arrayBuffer()).toString('latin1')
  t.equal(pieces, body(upstream.port).replaceAll(`"${origin(upstream.port)}/`, `"${other.address}/`), 'byte by byte, and only where a string begins with it')
  const page = 'see "http://127.0.0.1:PORT/"'
  const moving = await rawUpstream(t, socket => {
    const text = page.replace('PORT', String(moving.port))
    socket.end(`HTTP/1.1 302 Found\r\nLocation: /MAAS/r/\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`)
  })
  const moved = await exchange((await startTestProxy(t, testConfig(moving.url))).port, get('/MAAS/api/2.0/describe/'))
  const movedBody = moved.slice(moved.indexOf('\r\n\r\n') + 4)
  t.equal(movedBody, page.replace('PORT', String(moving.port)), 'another answer on that path is left as it is')
  t.match(moved, new RegExp(`^Content-Length: ${movedBody.length}\r$`, 'm'), 'with its length')
  const toHead = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n')
  const ofHead = get('/MAAS/api/2.0/describe/').replace('GET', 'HEAD')
  const headAlone = await exchange((await startTestProxy(t, testConfig(toHead.url))).port, ofHead)
  t.match(headAlone, /^Content-Length: 5\r$/m, 'HEAD has no body to rewrite')
  const cut = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"http')
  const kept = await exchange((await startTestProxy(t, testConfig(cut.url))).port, get('/MAAS/api/2.0/describe/'))
  t.match(kept, /\r\n"http\r\n0\r\n\r\n$/, 'what was kept back comes at the end')
})

t.test('a request that comes back to the proxy is refused', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/x/', 'Via: 1.0 before'))
  const [, via = ''] = /^Via: 1\.1 (.*)\r$/m.exec(upstream.received()) ?? []
  t.match(upstream.received(), /^Via: 1\.0 before\r\n/m, "the client's own stays")
  t.equal(jsonBody(await exchange(proxy.port, get('/MAAS/api/2.0/x/', `Via: 1.1 other, 1.1 ${via}`))).error?.code, 'MAAS_PROXY_LOOP_DETECTED')
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/x/', 'Via: 1.1 maas-auth-proxy-0123456789ab')), /^HTTP\/1.1 200 /, 'another proxy of this kind is no loop')
  for (const own of [`http://127.0.0.1:${proxy.port}`, `http://localhost:${proxy.port}`, `http://[::1]:${proxy.port}`]) {
    await proxy.stop().catch(() => {})
    await t.rejects(startTestProxy(t, testConfig(`${own}/MAAS`, { listen: [`127.0.0.1:${proxy.port}`] })), /is the address of this proxy itself .*5240 and 5443/, own)
  }
})

t.test('answers without a body, and of every framing', async t => {
  const rows: Array<[method: string, answer: string, wanted: RegExp, reason: string]> = [
    ['HEAD', 'HTTP/1.1 405 No\r\nContent-Length: 10\r\n\r\n', /^HTTP\/1.1 405 No\r\nContent-Length: 10\r\n(?:.+\r\n)+\r\n$/, 'HEAD keeps its length and has no body'],
    ['DELETE', 'HTTP/1.1 204 No Content\r\n\r\n', /^HTTP\/1.1 204 No Content\r\n(?:.+\r\n)+\r\n$/, '204'],
    ['GET', 'HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n', /^HTTP\/1.1 204 [^]*\r\n\r\n$/, '204 with a length'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', /^HTTP\/1.1 304 Not Modified\r\nContent-Length: 5\r\n(?:.+\r\n)+\r\n$/, '304'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1.1 200 OK\r\nContent-Length: 0\r\n(?:.+\r\n)+\r\n$/, 'an empty body'],
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', /Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n$/, 'chunked'],
    ['GET', 'HTTP/1.0 200 OK\r\n\r\nuntil the end', /Transfer-Encoding: chunked\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n$/, 'one that ends with the connection'],
    ['GET', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', /^HTTP\/1.1 200 OK\r\nContent-Length: 2\r\n/, 'behind an interim answer']
  ]
  for (const [method, bytes, wanted, reason] of rows) {
    const upstream = await rawUpstream(t, (socket) => socket.end(bytes))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(await exchange(proxy.port, request([`${method} /MAAS/api/2.0/x/ HTTP/1.1`, 'Host: localhost'])), wanted, reason)
  }
})

t.test('a body of an answer arrives byte for byte, whatever its size and its pieces', async t => {
  const sizes: Array<[size: number, reason: string]> = [
    [1, 'a byte'],
    [512, 'one that goes out with its head'],
    [16 * 1024, 'the largest of those'],
    [16 * 1024 + 1, 'one that does not'],
    [60_000, 'one that is read in one large piece'],
    [300_000, 'one that is read in several']
  ]
  for (const [size, reason] of sizes) {
    const body = Buffer.from(Array.from({ length: size }, (_, i) => i * 7 + 255)) // every byte there is
    const [first, rest] = [body.subarray(0, size / 2), body.subarray(size / 2)]
    const chunk = Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
    const framings: Array<[framing: string, send: (socket: Socket) => void]> = [
      [`Content-Length: ${size}`, socket => socket.write(body)],
      [`Content-Length: ${size}`, socket => socket.write(first, () => setImmediate(() => socket.write(rest)))],
      ['Transfer-Encoding: chunked', socket => socket.write(chunk)],
      ['Connection: close', socket => socket.end(body)]
    ]
    for (const [framing, send] of framings) {
      const upstream = await rawUpstream(t, socket => {
        socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
        send(socket)
      })
      const proxy = await startTestProxy(t, testConfig(upstream.url))
      const answer = await fetch(`${proxy.address}/MAAS/api/2.0/x/`)
      t.ok(Buffer.from(await answer.arrayBuffer()).equals(body), `${size} bytes, ${framing}: ${reason}`)
    }
  }
})

t.test('an answer that announces a body it does not have leaves the connection as it was', async t => {
  for (const status of [304, 204]) {
    const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n`))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const one = get('/MAAS/api/2.0/x/')
    const answers = await exchange(proxy.port, one.replace('Connection: close\r\n', '') + one)
    t.equal(answers.match(/^HTTP\/1.1 [23]04/gm)?.length, 2, String(status))
  }
})

t.test('an invalid reason phrase is replaced', async t => {
  const rows: Array<[reason: string, wanted: RegExp]> = [['Gr\xc3\xb6\xc3\x9fe', /^HTTP\/1.1 200 OK\r/], ['\xe6\x97\xa5', /^HTTP\/1.1 200 OK\r/], ['a\x01b', /^HTTP\/1.1 (200 OK|502)/], ['Fine by me', /^HTTP\/1.1 200 Fine by me\r/]]
  rows.push(['\xff', /^HTTP\/1.1 299 \r/])
  for (const [reason, wanted] of rows) {
    const upstream = await rawUpstream(t, `HTTP/1.1 ${reason === '\xff' ? 299 : 200} ${reason}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`)
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(await exchange(proxy.port, get('/MAAS/api/2.0/x/')), wanted, JSON.stringify(reason))
  }
})

t.test('every method of MAAS passes, with its body', async t => {
  const upstream = await rawUpstream(t, (socket, head) => socket.end(head.startsWith('HEAD') ? OK.slice(0, -2) : OK))
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const body = `body of ${method}`
    t.match(await exchange(proxy.port, request([`${method} /MAAS/api/2.0/x/ HTTP/1.1`, 'Host: localhost', `Content-Length: ${body.length}`], body)), /^HTTP\/1.1 200/, method)
    await upstream.sawText(body)
    t.ok(upstream.received().includes(`${method} /MAAS/api/2.0/x/ HTTP/1.1`))
  }
  t.equal(upstream.received().match(/^content-length: \d+\r?$/gim)?.length, 7, 'each with its length')
})

t.test('a body of any type arrives as it is', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const types = [null, 'application/json', 'multipart/form-data; boundary=x', 'nonsense', 'a/b; c', '', ';', 'text/plain; x="', 'text/plain; charset=utf-8', 'application/json;charset="UTF-8"', 'application/octet-stream']
  for (const [i, type] of types.entries()) {
    const body = `{not json ${i} \x00\xff`
    const fields = type === null ? [] : [`Content-Type: ${type}`]
    t.match(await exchange(proxy.port, request(['POST /MAAS/api/2.0/x/ HTTP/1.1', 'Host: localhost', ...fields, `Content-Length: ${body.length}`], body)), /^HTTP\/1.1 200/, `${type}`)
    await upstream.sawText(body)
    if (type !== null) t.ok(upstream.received().includes(`Content-Type: ${type}\r\n`), `${type} unchanged`)
  }
})

t.test('the log has one line a request, and neither values nor fields in it', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, request(['POST /MAAS/api/2.0/machines/?op=allocate&name=HIDDEN&HIDDENNOT HTTP/1.1', 'Host: localhost', 'X-Thing: HIDDEN', 'Content-Length: 6'], 'HIDDEN'))
  const record = await proxy.logged(record => record['msg'] === 'request')
  t.match(record, {
    level: 30,
    id: String,
    method: 'POST',
    path: '/MAAS/api/2.0/machines/',
    queryKeys: ['op', 'name', 'HIDDENNOT'],
    op: 'allocate',
    access: 'signed',
    status: 200,
    requestBytes: 6,
    bytes: 2,
    ms: Number,
    complete: true
  })
  t.notMatch(JSON.stringify(proxy.log).replaceAll('HIDDENNOT', ''), /HIDDEN|Marked|oauth/i)
  t.match(proxy.log.find(record => record['msg'] === 'listening'), { address: proxy.address, upstream: upstream.url })
  await exchange(proxy.port, get('/MAAS/api/2.0/tags/'))
  const plain = await proxy.logged(record => record['path'] === '/MAAS/api/2.0/tags/')
  t.notOk('queryKeys' in plain, 'without a query there are no keys of one')
})

t.test('a read that names as many machines as the nginx of MAAS takes arrives whole', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const target = `/MAAS/api/2.0/machines/?${Array.from({ length: 2900 }, (_, i) => `id=${String(i).padStart(6, '0')}`).join('&')}`
  t.ok(target.length > 28_000)
  t.match(await exchange(proxy.port, get(target)), /^HTTP\/1\.1 200 /)
  t.ok(upstream.received().startsWith(`GET ${target} HTTP/1.1\r\n`))
})

t.test('openapi.yaml names the proxy as the server, whatever host MAAS was told that it has', async t => {
  const document = (servers: string) => `info:\n  description: |-\n    servers:\n    - url: http://in.a.text/x\nopenapi: 3.1.0\npaths:\n  /x:\n    servers:\n    - url: http://of.a.path/x\n${servers}`
  const rows: Array<[servers: string, wanted: string, reason: string]> = [
    ['servers:\n- description: lab API\n  url: http://10.1.2.3:5240/MAAS/api/2.0/\n', 'servers:\n- description: lab API\n  url: PROXY/MAAS/api/2.0/\n', "MAAS's setting maas_url, which is not its address here"],
    ['servers:\n- url: https://maas.example/MAAS/api/2.0/\n', 'servers:\n- url: PROXY/MAAS/api/2.0/\n', 'without a description'],
    ["servers:\n- description: x\n  url: 'http://maas.example:80/MAAS/api/2.0/'\ntags:\n- url: http://other/x\n", "servers:\n- description: x\n  url: 'PROXY/MAAS/api/2.0/'\ntags:\n- url: http://other/x\n", 'in quotes, and in front of another key'],
    ['servers:\n- url: http://a/MAAS/api/2.0/\n- url: http://b/MAAS/api/2.0/', 'servers:\n- url: PROXY/MAAS/api/2.0/\n- url: PROXY/MAAS/api/2.0/', 'two, and no line break at the end'],
    ['servers:\n- description: the server of\n    http://text/x\n  url: /MAAS/api/2.0/\n', 'servers:\n- description: the server of\n    http://text/x\n  url: /MAAS/api/2.0/\n', 'a relative one leads here by itself'],
    ['servers: []\nx:\n- url: http://x/y\n', 'servers: []\nx:\n- url: http://x/y\n', 'none'],
    [`x: ${'y'.repeat(300_000)}\nservers:\n- url: http://a/z\n`, `x: ${'y'.repeat(300_000)}\nservers:\n- url: PROXY/z\n`, 'behind a line too long to be kept']
  ]
  for (const [servers, wanted, reason] of rows) {
    const text = document(servers)
    const upstream = await rawUpstream(t, socket => {
      socket.setNoDelay(true)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/openapi+yaml\r\nContent-Length: ${text.length}\r\n\r\n`)
      for (const piece of text.length > 1000 ? [text] : text) socket.write(piece)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const answer = await fetch(`${proxy.address}/MAAS/api/2.0/openapi.yaml`)
    t.equal(await answer.text(), document(wanted).replaceAll('PROXY', proxy.address), reason)
    t.equal(answer.headers.get('content-type'), 'application/openapi+yaml')
  }
  const failing = await rawUpstream(t, 'HTTP/1.1 500 No\r\nContent-Length: 27\r\nConnection: close\r\n\r\nservers:\n- url: http://a/b\n')
  const proxy = await startTestProxy(t, testConfig(failing.url))
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/openapi.yaml')), /\r\n\r\nservers:\n- url: http:\/\/a\/b\n$/, 'an error stays as it is')
  const strange = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 26\r\nConnection: close\r\n\r\nservers:\n- url: http://a/b')
  const bySocket = await startTestProxy(t, testConfig(strange.url, { allowHost: ['*'] }))
  t.match(await exchange(bySocket.port, get('/MAAS/api/2.0/openapi.yaml').replace('Host: localhost', () => "Host: $'$&")), /- url: http:\/\/\$'\$&\/b/, 'a Host is no pattern')
})
