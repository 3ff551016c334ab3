import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parseTarget } from '../../src/admit/target.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { closed, exchange, get, jsonBody, OK, rawUpstream, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

/*
 * The attack: a target that two servers read differently. What the proxy takes for one path or host, MAAS or a server
 * between takes for another, and a decision made on the first is carried out on the second: a dot segment that leaves
 * the API, a whole URL or a `//host` that sends the signature elsewhere, an escape that is decoded once more than
 * expected. Everything here is refused before a name is looked up, and nothing reaches MAAS. (CVE-2021-21321,
 * CVE-2025-66415, CVE-2022-35949, CVE-2026-85124 and the rest of that family.)
 */
t.test('ambiguous targets are refused', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const malformed: Array<[target: string, reason: string]> = [
    ['http://127.0.0.1/MAAS/api/2.0/machines/', 'a whole URL, even of this host'],
    ['http://evil.invalid/MAAS/api/2.0/machines/', 'a whole URL of another'],
    ['HTTP://evil.invalid/', 'in any case'],
    ['*', 'the asterisk, with a method other than OPTIONS'],
    ['//evil.invalid/MAAS/api/2.0/', 'two leading slashes name a host'],
    ['///MAAS/api/2.0/', 'so may three'],
    ['/MAAS/api/2.0/../../r/', 'a dot segment'],
    ['/MAAS/api/2.0/..', 'at the end'],
    ['/MAAS/api/2.0/./machines/', 'a single dot'],
    ['/MAAS/api/2.0/.', 'a single dot at the end'],
    ['/MAAS/api/%2e%2e/r/', 'escaped'],
    ['/MAAS/api/.%2E/r/', 'half escaped'],
    ['/MAAS/api/%2e/r/', 'a single one, escaped'],
    ['/MAAS/api/..%2fr/', 'with an escaped slash'],
    ['/MAAS/api/%2f..%2f/r/', 'between escaped slashes'],
    ['/MAAS/api/%252e%252e/r/', 'escaped twice'],
    ['/MAAS/api/%25252e%25252E/r/', 'escaped three times'],
    ['/MAAS/api/%2525252e%2525252e/r/', 'escaped four times'],
    ['/MAAS/api/..%252fr/', 'with a slash that is escaped twice'],
    ['/MAAS/api/..%255cr/', 'or a backslash'],
    ['/MAAS/api/..;/r/', 'with path parameters'],
    ['/MAAS/api/..;x=1/r/', 'with a value'],
    ['/MAAS/api/..%3b/r/', 'escaped path parameters'],
    ['/MAAS/api/..%3Bx', 'at the end'],
    ['/MAAS/api/2.0/machines;x=1/', 'path parameters at all'],
    ['/MAAS/api/..\\r/', 'a backslash'],
    ['/MAAS\\api/2.0/', 'a backslash for a slash'],
    ['/MAAS/api/%5c..%5cr/', 'an escaped backslash'],
    ['/MAAS/api/2.0/tags/a%5Cb/', 'without dots too'],
    ['/MAAS/api/2.0/x#/../', 'a fragment'],
    ['/MAAS/api/2.0/#', 'an empty fragment'],
    ['/MAAS/api/2.0/?x#y', 'a fragment behind a query'],
    ['/MAAS/api/2.0/%00', 'NUL'],
    ['/MAAS/api/2.0/%0d%0aX:y', 'a line break'],
    ['/MAAS/api/2.0/%09', 'a tab'],
    ['/MAAS/api/2.0/%7f', 'DEL'],
    ['/MAAS/api/2.0/%c2%85', 'a control character beyond ASCII'],
    ['/MAAS/api/2.0/%', 'a percent sign alone'],
    ['/MAAS/api/2.0/%2', 'half an escape'],
    ['/MAAS/api/2.0/%zz', 'no escape'],
    ['/MAAS/api/2.0/%u002e', 'an escape of another kind'],
    ['/MAAS/api/2.0/%ff', 'not UTF-8'],
    ['/MAAS/api/2.0/%c0%ae%c0%ae/', 'a dot in overlong UTF-8']
  ]
  for (const [target, reason] of malformed) {
    const answer = await exchange(proxy.port, get(target))
    t.match(answer, /^HTTP\/1.1 400 /, `${target}: ${reason}`)
    t.match(jsonBody(answer).error, { code: 'MAAS_PROXY_TARGET_MALFORMED', message: /^the request target / })
    t.notMatch(answer, /evil/, 'the target is not repeated')
  }
  const bytesThatNodeRefuses: Array<[target: string, reason: string]> = [
    ['evil.invalid:80', 'an authority'],
    ['MAAS/api/2.0/', 'no leading slash'],
    ['/MAAS/api/2.0/a b', 'a blank'],
    ['/MAAS/api/2.0/\x01', 'a control character'],
    ['/MAAS/api/2.0/\x00', 'NUL'],
    ['/MAAS/api/2.0/\t', 'a tab'],
    ['/MAAS/api/2.0/\xc3\xa9', 'bytes beyond ASCII']
  ]
  // Whatever parser stands in front one day, these are not for us to take either.
  for (const [target, reason] of bytesThatNodeRefuses) t.throws(() => parseTarget(target), { code: 'MAAS_PROXY_TARGET_MALFORMED' }, reason)
  for (const [target, reason] of bytesThatNodeRefuses) {
    t.match(jsonBody(await exchange(proxy.port, get(target))).error, { code: /^MAAS_PROXY_(REQUEST|TARGET)_MALFORMED$/ }, reason)
  }
  const unserved: Array<[target: string, reason: string]> = [
    ['/MAAS/', 'the web UI'], ['/MAAS/api', 'without the slash'], ['/MAAS/metadata/latest/', "the nodes' metadata"], ['/MAAS/a/v3/machines', 'API v3'],
    ['/maas/api/2.0/', 'another case'], ['/MAAS/apix/', 'a prefix'], ['/x/MAAS/api/2.0/', 'elsewhere'], ['/%2fMAAS/../'.replace('/../', '/'), 'a slash that is escaped'],
    ['/favicon.ico', 'what browsers ask for']
  ]
  for (const [target, reason] of unserved) t.match(jsonBody(await exchange(proxy.port, get(target))).error, { code: 'MAAS_PROXY_PATH_UNSERVED', message: /MAAS/, remedy: /MAAS/ }, `${target}: ${reason}`)
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
  t.notMatch(JSON.stringify(proxy.log), /evil/, 'and the log does not repeat it either')
})

/*
 * The attack: MAAS takes OAuth parameters from the query before those of the header, and answers a signature that does
 * not fit with the text "Expected signature base string: &<the right secret>". So `?oauth_signature=x` would print the
 * proxy's secret. (Seen on a running MAAS.)
 */
t.test('oauth_ parameters are refused, however they are spelt', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows = ['oauth_signature=x', 'a=1&oauth_token=x', 'oauth%5Fsignature=x', '%6f%61uth_nonce=', 'oauth_x', '&&oauth_signature', 'OAUTH_SIGNATURE=x', 'op=x&oauth_version=1&op=y']
  for (const query of rows) {
    for (const path of ['/MAAS/api/2.0/machines/', '/MAAS/api/2.0/version/']) {
      t.match(jsonBody(await exchange(proxy.port, get(`${path}?${query}`))).error, { code: 'MAAS_PROXY_OAUTH_PARAMETER_PRESENT' }, query)
    }
  }
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
})

/*
 * The attack: a message whose end two servers see in different places, so that what is the body here is a request there
 * (request smuggling), or a request that turns the connection into something else. What node's parser lets through of
 * it is refused here; the rest, it refuses itself, and the answer is ours all the same.
 */
t.test('ambiguous framing is refused', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const line = 'POST /MAAS/api/2.0/machines/ HTTP/1.1'
  const rows: Array<[lines: string[], status: number, code: string, reason: string]> = [
    [[line, 'Host: localhost', 'Transfer-Encoding: gzip, chunked'], 501, 'MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED', 'a coding that is not chunked alone'],
    [[line, 'Host: localhost', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'chunked twice'],
    [[line, 'Host: localhost', 'Transfer-Encoding: identity'], 501, 'MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED', 'a coding of old'],
    [[line, 'Host: localhost', 'Transfer-Encoding: chunked', 'Content-Length: 3'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'two framings'],
    [[line, 'Host: localhost', 'Content-Length: 3', 'Content-Length: 4'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'two lengths'],
    [[line, 'Host: localhost', 'Content-Length: 3, 3'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a list of lengths'],
    [[line, 'Host: localhost', 'Content-Length: +3'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a length with a sign'],
    [[line, 'Host: localhost', 'Content-Length: 0x3'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a length in hex'],
    [[line, 'Host: localhost', 'Content-Length : 3'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a blank before the colon'],
    [[line, 'Host: localhost', 'X: a', ' folded'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a folded line'],
    [[line, 'X: no host'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'no Host'],
    [['POST /MAAS/api/2.0/machines/ HTTP/3.0', 'Host: localhost'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'another version'],
    [['POST /MAAS/api/2.0/machines/ HTTP/2.0', 'Host: localhost'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a version that node reads'],
    [['POST /MAAS/api/2.0/machines/ HTTP/0.9', 'Host: localhost'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'one of old'],
    [['POST /MAAS/api/2.0/machines/ HTTP/1.0', 'Host: localhost', 'Transfer-Encoding: chunked'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a coding that HTTP/1.0 does not have'],
    [[line, 'Host: localhost', 'X: ' + 'x'.repeat(66_000)], 431, 'MAAS_PROXY_HEADER_TOO_LARGE', 'a header beyond 64 KiB'],
    [[line, 'Host: localhost', ...Array.from({ length: 1001 - 2 }, () => 'a:')], 431, 'MAAS_PROXY_HEADER_TOO_LARGE', 'a header of 1,001 lines'],
    [[line, 'Host: localhost', 'Content-Length: 9007199254740993'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'a length that no number has'],
    [[line, 'Host: localhost', 'Upgrade: websocket'], 501, 'MAAS_PROXY_UPGRADE_UNSUPPORTED', 'an upgrade'],
    [[line, 'Host: localhost', 'Upgrade: h2c, websocket'], 501, 'MAAS_PROXY_UPGRADE_UNSUPPORTED', 'a choice of upgrades'],
    [[line, 'Host: localhost', 'Connection: content-length', 'Content-Length: 0'], 400, 'MAAS_PROXY_HEADER_MALFORMED', 'a framing field that Connection takes away'],
    [[line, 'Host: localhost', 'Connection: x, Content-Type', 'Content-Type: a/b'], 400, 'MAAS_PROXY_HEADER_MALFORMED', 'a field that says what the body is'],
    [[line, 'Host: localhost', 'Connection: Host'], 400, 'MAAS_PROXY_HEADER_MALFORMED', 'the host'],
    [['TRACE /MAAS/api/2.0/machines/ HTTP/1.1', 'Host: localhost'], 405, 'MAAS_PROXY_METHOD_UNSUPPORTED', 'TRACE, which would show our header'],
    [['PROPFIND /MAAS/api/2.0/machines/ HTTP/1.1', 'Host: localhost'], 405, 'MAAS_PROXY_METHOD_UNSUPPORTED', 'a method of other protocols'],
    [['CONNECT evil.invalid:80 HTTP/1.1', 'Host: localhost'], 405, 'MAAS_PROXY_METHOD_UNSUPPORTED', 'a tunnel'],
    [[line, 'Host: localhost', 'Expect: 200-ok'], 417, 'MAAS_PROXY_EXPECTATION_UNSUPPORTED', 'an expectation that is none'],
    [['NONSENSE /MAAS/api/2.0/ HTTP/1.1', 'Host: localhost'], 400, 'MAAS_PROXY_REQUEST_MALFORMED', 'no method at all']
  ]
  for (const [lines, status, code, reason] of rows) {
    const answer = await exchange(proxy.port, request(lines))
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.match(jsonBody(answer).error, { code, remedy: String }, reason)
    t.match(answer.toLowerCase(), `maas-proxy-error: ${code.toLowerCase()}`)
    t.equal(answer.match(/^HTTP/gm)?.length, 1, 'one answer')
    t.match(await proxy.logged(record => record['error'] === code || record['code'] === code), { level: 40 }, 'and a record')
  }
  t.match(await exchange(proxy.port, request(['TRACE / HTTP/1.1', 'Host: localhost'])), /^allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r$/m, '405 says what is allowed')
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
})

t.test('a message that can be read in one way only passes, however rare it is', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const chunks = '3\r\nabc\r\n0\r\n\r\n'
  const rows: Array<[fields: string[], body: string, wanted: RegExp, reason: string]> = [
    [['Transfer-Encoding: Chunked'], chunks, /\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/, 'a name of a coding has no case (RFC 9110 §10.1.4)'],
    [['Transfer-Encoding: CHUNKED'], chunks, /\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/, 'nor in capitals'],
    [['Upgrade: H2C', 'Content-Length: 3'], 'abc', /\r\n\r\nabc$/, 'nor has that of a protocol; the offer is ignored'],
    [['CONTENT-TYPE: text/plain', 'Content-Length: 3'], 'abc', /\r\n\r\nabc$/, 'nor have fields'],
    [[...Array.from({ length: 1000 - 3 }, () => 'a:'), 'Content-Length: 3'], 'abc', /(?:\r\na: ?){997}\r\n[^]*\r\n\r\nabc$/, 'a header of 1,000 lines'],
    [['Content-Length: 9007199254740991'], 'abc', /\r\ncontent-length: 9007199254740991\r\n\r\nabc$/, 'the largest length that is exact as a number']
  ]
  for (const [fields, body, wanted, reason] of rows) {
    const before = upstream.received().length
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write(request(['POST /MAAS/api/2.0/files/ HTTP/1.1', 'Host: localhost', ...fields], body))
    await upstream.sawText(new RegExp(`^[^]{${before}}[^]*${wanted.source}`))
    upstream.sockets.at(-1)?.end(OK)
    const [answer] = await once(socket, 'data')
    t.match(String(answer), /^HTTP\/1.1 200 /, reason)
    socket.destroy()
  }
})

t.test('a body that was refused with its request is never read as a request', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const inner = 'DELETE /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(`POST /MAAS/../ HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inner.length}\r\n\r\n`)
  await once(socket, 'data')
  socket.write(inner + get('/MAAS/api/2.0/version/'))
  t.match(await readAll(socket), /^HTTP\/1.1 200 /, 'the next answer is that of the next request')
  t.notMatch(upstream.received(), /DELETE/)
})

t.test('nothing is read behind a message whose end is in doubt', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[version: string, fields: string[], status: number, reason: string]> = [
    ['1.0', ['Connection: keep-alive', 'Transfer-Encoding: chunked'], 400, 'a coding that HTTP/1.0 does not have'],
    ['1.1', ['Transfer-Encoding: identity', 'Content-Length: 5'], 400, 'a length beside a coding'],
    ['1.1', ['Transfer-Encoding: gzip, chunked'], 501, 'a coding that nobody undoes here'],
    ['2.0', ['Connection: keep-alive', 'Content-Length: 5'], 400, 'a version of which the framing is another one']
  ]
  for (const [version, fields, status, reason] of rows) {
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write([`POST /MAAS/api/2.0/zones/ HTTP/${version}`, 'Host: localhost', ...fields, '', '0', '', ''].join('\r\n') + get('/MAAS/api/2.0/machines/'))
    const text = await readAll(socket)
    t.match(text, new RegExp(`^HTTP/1.1 ${status} [^]*\r\nConnection: close\r\n`, 'i'), reason)
    t.equal(text.match(/^HTTP/gm)?.length, 1, `${reason}: one answer`)
    t.equal(upstream.sockets.length, 0, `${reason}: MAAS saw nothing`)
  }
})

t.test('a body that cannot be read ends its exchange', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('POST /MAAS/api/2.0/files/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  await upstream.sawText('abc')
  socket.write('nonsense\r\n')
  t.match(await readAll(socket), /^HTTP\/1.1 400 [^]*MAAS_PROXY_REQUEST_MALFORMED/)
  await closed(upstream.sockets[0])
  t.notMatch(upstream.received(), /0\r\n\r\n$/, 'MAAS never takes the part for the whole')
})

t.test('nothing follows on a connection on which a client offered to switch protocols', async t => {
  const upstream = await rawUpstream(t, (socket, head) => { if (head.includes('/last/')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const inner = 'DELETE /MAAS/api/2.0/tags/evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(`GET /MAAS/api/2.0/first/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPOST /MAAS/api/2.0/zones/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inner.length}\r\n\r\n`)
  await upstream.sawText('/first/')
  socket.write(inner)
  const other = connect(proxy.port, '127.0.0.1')
  other.write('GET /MAAS/api/2.0/last/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  t.match(await readAll(other), /^HTTP\/1.1 200 OK\r\n[^]*Connection: close\r\n[^]*\r\n\r\nok$/i, 'the offer itself is ignored')
  socket.destroy()
  t.match(await proxy.logged(record => record['error'] === 'MAAS_PROXY_UPGRADE_UNSUPPORTED'), { method: 'DELETE' })
  t.notMatch(upstream.received(), /DELETE|zones/, 'no request is read out of a body')
})

t.test('one connection has bounded resources', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('GET /MAAS/api/2.0/x/ HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100))
  await closed(socket)
  await proxy.logged(record => record['error'] === 'MAAS_PROXY_PIPELINE_TOO_LONG')
  await Promise.all(upstream.sockets.map(closed))
  t.equal(proxy.log.filter(record => record['access'] === 'signed' && record['complete'] === false).length, 32, 'what it had asked for is given up')
})

t.test('what cannot be read behind a request costs that request nothing', async t => {
  const PLAIN = (path: string, ...fields: string[]) => ['GET /MAAS/api/2.0/' + path + ' HTTP/1.1', 'Host: localhost', ...fields, '', ''].join('\r\n')
  const POST = 'POST /MAAS/api/2.0/machines/?op=allocate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b'
  const MALFORMED = 'MAAS_PROXY_REQUEST_MALFORMED'
  const rows: Array<[first: string, second: string, code: string, reason: string]> = [
    [PLAIN('machines/'), 'nonsense\r\n\r\n', MALFORMED, 'no HTTP'],
    [POST, '&c=d', MALFORMED, 'a body that is longer than its length'],
    [PLAIN('machines/', 'Connection: close'), PLAIN('zones/'), MALFORMED, 'a request on a connection that was to end (RFC 9112 §9.6)'],
    [PLAIN('machines/').replace('1.1', '1.0'), 'x', MALFORMED, 'a byte behind a request of HTTP/1.0'],
    [PLAIN('tags/'), 'POST /MAAS/api/2.0/tags/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n', MALFORMED, 'a body that cannot be read'],
    [PLAIN('zones/'), PLAIN('zones/', 'Expect: x'), 'MAAS_PROXY_EXPECTATION_UNSUPPORTED', 'an expectation']
  ]
  for (const [first, second, code, reason] of rows) {
    const upstream = await rawUpstream(t, () => {})
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write(first)
    await until(`${reason}: MAAS has the request`, () => upstream.sockets.length === 1)
    const answer = readAll(socket)
    socket.write(second)
    await proxy.logged(record => record['code'] === code)
    socket.write('more\r\n\r\n')
    upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    t.match(await answer, /^HTTP\/1.1 200 OK\r\n[^]*\r\nConnection: close\r\n(?:[^]*\r\n)?\r\nok$/i, `${reason}: its answer, and nothing that could be taken for it`)
    t.equal(upstream.sockets[0]?.destroyed, false, `${reason}: it is not aborted`)
  }
})

t.test('what cannot be read behind an answer that is out gets an answer of its own', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('GET /MAAS/api/2.0/version/ HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  socket.write('nonsense\r\n\r\n')
  t.match(await readAll(socket), /^HTTP\/1.1 400 /)
})

t.test('a body that cannot be read behind its early answer ends the connection, and that is all', async t => {
  const rows: Array<[answer: string, wanted: RegExp, reason: string]> = [
    ['HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\n\r\nbig', /^HTTP\/1.1 413 [^]*\r\n\r\nbig$/, 'all of it has come'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\npart', /^HTTP\/1.1 200 [^]*\r\n\r\npart$/, 'it is on its way']
  ]
  for (const [answer, wanted, reason] of rows) {
    const upstream = await rawUpstream(t, answer)
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const socket = connect(proxy.port, '127.0.0.1')
    let text = ''
    socket.on('data', chunk => { text += chunk })
    socket.write('POST /MAAS/api/2.0/files/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
    await until(`${reason}: an answer`, () => wanted.test(text))
    socket.write('ZZ\r\n')
    await closed(socket)
    t.match(text, wanted, reason)
    await Promise.all(upstream.sockets.map(closed))
  }
})

t.test('bytes that follow too early do not end an answer before its end', async t => {
  const size = 24 * 1024 * 1024
  const rows: Array<[version: string, head: string, reason: string]> = [
    ['1.1', `Content-Length: ${size}`, 'by length'],
    ['1.1', 'Connection: close', 'chunked'],
    ['1.0', 'Connection: close', 'with the end of the connection, which the client takes for the end of the body']
  ]
  for (const [version, head, reason] of rows) {
    const upstream = await rawUpstream(t, socket => {
      socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${'~'.repeat(size)}`)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write(`GET /MAAS/api/2.0/machines/ HTTP/${version}\r\nHost: localhost\r\n\r\n`)
    await once(socket, 'readable')
    socket.write('nonsense\r\n\r\n')
    await proxy.logged(record => record['code'] === 'MAAS_PROXY_REQUEST_MALFORMED')
    t.equal((await readAll(socket)).split('~').length - 1, size, reason)
    t.match(await proxy.logged(record => record['msg'] === 'request'), { complete: true }, reason)
  }
})

t.test('CONNECT behind a request is never taken for its answer, nor for a part of it', async t => {
  const CONNECT = 'CONNECT maas:5240 HTTP/1.1\r\nHost: maas:5240\r\n\r\n'
  const rows: Array<[answer: string | null, version: string, wanted: RegExp, reason: string]> = [
    [null, '1.1', /^$/, 'no byte of the answer has come'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\npart', '1.1', /\r\n\r\npart$/, 'a part of it has'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', '1.0', /\r\n\r\npart$/, 'a part of it, which ends with the connection']
  ]
  for (const [answer, version, wanted, reason] of rows) {
    const upstream = await rawUpstream(t, answer ?? (() => {}))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const socket = connect(proxy.port, '127.0.0.1')
    let text = ''
    let code: string | undefined
    socket.on('data', chunk => { text += chunk }).on('error', (error: NodeJS.ErrnoException) => { code = error.code })
    socket.write(`GET /MAAS/api/2.0/machines/ HTTP/${version}\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n`)
    await until(`${reason}: MAAS has it`, () => upstream.sockets.length === 1 && (answer === null || text.endsWith('part')))
    socket.write(CONNECT)
    await closed(socket)
    t.match(text, wanted, reason)
    t.equal(code, 'ECONNRESET', `${reason}: no orderly end`)
    await closed(upstream.sockets[0])
    t.match(await proxy.logged(record => record['msg'] === 'refused before routing'), { code: 'MAAS_PROXY_METHOD_UNSUPPORTED' }, reason)
  }
})

t.test('a client that only connects, or breaks off, is no error', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const bytes of ['', 'GET /MAAS', 'GET / HTTP/1.1\r\nHost:']) {
    const socket = connect(proxy.port, '127.0.0.1')
    socket.write(bytes)
    await once(socket, 'connect')
    socket.resetAndDestroy()
  }
  t.match(await exchange(proxy.port, get('/')), /^HTTP\/1.1 200 [^]*curl 'http:\/\/127.0.0.1:\d+\/MAAS\/api\/2.0\/version\/'/, 'the front page has a line to copy')
  t.match(await exchange(proxy.port, get('/?x')), /^HTTP\/1.1 200 /)
  t.strictSame(proxy.log.filter(record => Number(record['level']) > 30), [])
})

t.test('requests beside the API are answered with what to do', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[target: string, message: RegExp, remedy: RegExp, reason: string]> = [
    ['/MAAS/accounts/login/', /has no login, and needs none/, /as it is: the proxy signs/, 'the login of the web UI'],
    ['/MAAS/accounts/authenticate/', /has no login/, /signs/, 'that of python-libmaas'],
    ['/MAAS/account/csrf/', /has no login/, /signs/, 'the token of a session'],
    ['/accounts/login/', /has no login/, /signs/, 'without /MAAS'],
    ['/MAAS/a/v3/auth/login', /has no login/, /signs/, 'that of API v3'],
    ['/MAAS/a/v3/machines', /API v3 of MAAS takes no API key/, /use API 2.0/, 'API v3'],
    ['/MAAS/a/openapi.json', /API v3/, /use API 2.0/, 'its description'],
    ['/MAAS/metadata/2012-03-01/', /for its machines/, /token of the machine/, 'metadata'],
    ['/MAAS/metadata/latest/enlist-preseed/?op=get_enlist_preseed', /for its machines/, /token of the machine/, 'enlisting'],
    ['/MAAS/r/machine/abc/summary', /not its web UI/, /in the browser/, 'a page of the web UI'],
    ['/MAAS/r', /not its web UI/, /in the browser/, 'its beginning'],
    ['/MAAS', /not its web UI/, /in the browser/, 'the address in MAAS_URL'],
    ['/MAAS/', /not its web UI/, /in the browser/, 'with its slash'],
    ['/MAAS/ws', /not its web UI/, /in the browser/, 'its websocket'],
    ['/api/2.0/machines/', /begins with \/MAAS/, /HOST:PORT\/MAAS\/api/, 'an address without /MAAS'],
    ['/maas/api/2.0/machines/', /MAAS in capitals/, /HOST:PORT\/MAAS\/api/, 'in small letters'],
    ['/MAAS/API/2.0/machines/', /rest in small letters/, /HOST:PORT\/MAAS\/api/, 'in capitals'],
    ['/MAAS/run', /only paths below/, /HOST:PORT/, 'any other'],
    ['/favicon.ico', /^only paths below \/MAAS\/api\/ are served$/, /HOST:PORT/, 'what browsers ask for']
  ]
  for (const [target, message, remedy, reason] of rows) {
    t.match(jsonBody(await exchange(proxy.port, get(target))).error, { code: 'MAAS_PROXY_PATH_UNSERVED', message, remedy }, `${target}: ${reason}`)
  }
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
})
