import t from 'tap'
import { chmodSync, writeFileSync } from 'node:fs'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, jsonBody, rawUpstream, request } from '../helper/sockets.ts'

const LINE = 'GET /MAAS/api/2.0/machines/ HTTP/1.1'

/** The status and, if the proxy refused, the code of an answer. */
function outcome (answer: string): string {
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
  const [, code] = /^maas-proxy-error: MAAS_PROXY_(\S+)\r$/im.exec(answer) ?? []
  return code === undefined ? `${status}` : `${status} ${code}`
}

/*
 * The attack: DNS rebinding. A page's own name is made to resolve to 127.0.0.1, so that for the browser the proxy is
 * the page's own origin. What gives it away is `Host`, which still has the page's name.
 */
t.test('only the names of the listener pass as Host', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const allowing = await startTestProxy(t, testConfig(upstream.url, { allowHost: ['Proxy.example', 'other.example:8080', '[fd00::1]'] }))
  const any = await startTestProxy(t, testConfig(upstream.url, { allowHost: ['*'] }))
  const mapped = await startTestProxy(t, testConfig(upstream.url, { listen: ['[::ffff:127.0.0.1]:0'], allowNonLoopback: ['true'], noClientAuth: ['true'] }))
  const { port } = proxy
  const rows: Array<[proxy: typeof proxy, lines: string[], wanted: string, reason: string]> = [
    ...['localhost', 'LocalHost', `localhost:${port}`, '127.0.0.1', `127.0.0.1:${port}`, '[::1]', `[::1]:${port}`, 'localhost:8080'].map(host => [proxy, [LINE, `Host: ${host}`], '200', host] as [typeof proxy, string[], string, string]),
    [proxy, [LINE, 'Host: evil.example'], '403 HOST_REFUSED', 'another name'],
    [proxy, [LINE, `Host: evil.example:${port}`], '403 HOST_REFUSED', 'with our port'],
    [proxy, [LINE, 'Host: evil.example', 'X-Forwarded-Host: localhost', 'Forwarded: host=localhost'], '403 HOST_REFUSED', 'what others say of it does not count'],
    [proxy, [LINE, 'Host:'], '403 HOST_REFUSED', 'empty'],
    ...['localhost.', '.localhost', 'localhost.evil.example', 'localhostx', 'xlocalhost', 'localhost@evil.example', 'evil.example#localhost', 'localhost,evil.example', 'localhost evil.example', 'localhost:', 'localhost:x', 'localhost:123456', 'localhost:1:2', '127.1', '127.0.0.2', '2130706433', '0x7f.0.0.1', '0x7f000001', '017700000001', '127.0.0.1.evil.example', '0.0.0.0', '[::]', '::1', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]', 'http://localhost', 'localhost/', '127。0。0。1'].map(host => [proxy, [LINE, `Host: ${Buffer.from(host).toString('latin1')}`], '403 HOST_REFUSED', host] as [typeof proxy, string[], string, string]),
    [proxy, [LINE, 'Host: localhost', 'Host: evil.example'], '400 REQUEST_MALFORMED', 'two lines'],
    [proxy, [LINE, 'Host: evil.example', 'host: localhost'], '400 REQUEST_MALFORMED', 'in the other order and case'],
    [proxy, ['GET /MAAS/api/2.0/machines/ HTTP/1.0'], '403 HOST_REFUSED', 'none, which HTTP/1.0 allows'],
    [any, ['GET /MAAS/api/2.0/machines/ HTTP/1.0'], '200', 'none, where any will do'],
    [any, ['GET /MAAS/api/2.0/machines/ HTTP/1.0', 'Origin: http://localhost'], '403 ORIGIN_REFUSED', 'no name that a page could have in common with us'],
    [proxy, ['GET / HTTP/1.1', 'Host: evil.example'], '403 HOST_REFUSED', 'on the front page too'],
    [proxy, ['GET /nowhere HTTP/1.1', 'Host: evil.example'], '403 HOST_REFUSED', 'and where there is nothing'],
    [allowing, [LINE, 'Host: proxy.EXAMPLE:99'], '200', 'allowed by name, with any port'],
    [allowing, [LINE, 'Host: other.example:8080'], '200', 'allowed with a port'],
    [allowing, [LINE, 'Host: other.example:8081'], '403 HOST_REFUSED', 'which then counts'],
    [allowing, [LINE, 'Host: [fd00::1]:80'], '200', 'an address'],
    [allowing, [LINE, 'Host: localhost'], '200', 'beside the usual ones'],
    [mapped, [LINE, `Host: [::ffff:127.0.0.1]:${mapped.port}`], '200', 'the address that it listens on, whichever that is'],
    [mapped, [LINE, 'Host: [::FFFF:127.0.0.1]'], '200', 'in any case'],
    [any, [LINE, 'Host: evil.example'], '200', 'any, when that is asked for'],
    [any, [LINE, 'Host:'], '200', 'even none (RFC 9112 section 3.2)'],
    [any, [LINE, `Host: ${'a'.repeat(261)}`], '200', 'as long as a name of DNS with a port can be'],
    [any, [LINE, `Host: ${'a'.repeat(262)}`], '400 HEADER_MALFORMED', 'and no longer']
  ]
  for (const [target, lines, wanted, reason] of rows) {
    const before = upstream.sockets.length
    t.equal(outcome(await exchange(target.port, request(lines))), wanted, reason)
    t.equal(upstream.sockets.length - before, wanted === '200' ? 1 : 0, `${reason}: reaches MAAS or not`)
  }
  const { error } = jsonBody(await exchange(port, request([LINE, 'Host: evil.example:80'])))
  t.match(error, { message: 'the Host evil.example:80 is not a name of this listener', remedy: /--allow-host evil\.example$/ })
})

/*
 * The attack: a web page of any origin sends requests to localhost, with forms, images, fetch, beacons. It cannot read
 * the answers, but MAAS has no CSRF check for API calls: one form releases a machine. Browsers say so in `Origin` and
 * `Sec-Fetch-Site`; other clients send neither.
 */
t.test('requests of web pages are refused', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nConnection: close\r\n\r\nok')
  const proxy = await startTestProxy(t, testConfig(upstream.url, { allowOrigin: ['http://tool.example:3000'] }))
  const own = `http://localhost:${proxy.port}`
  const rows: Array<[fields: string[], wanted: string, reason: string]> = [
    [[], '200', 'no browser'],
    [['User-Agent: Mozilla/5.0', 'Referer: http://wiki.example/'], '200', 'a name says nothing'],
    [['Origin: http://evil.example'], '403 ORIGIN_REFUSED', 'a foreign origin'],
    [['Origin: null'], '403 ORIGIN_REFUSED', 'a sandboxed frame, a file, a redirect'],
    [['Origin:'], '403 ORIGIN_REFUSED', 'an empty one'],
    [['Origin: http://localhost:3000'], '403 ORIGIN_REFUSED', 'another port of this host'],
    [['Origin: http://localhost'], '403 ORIGIN_REFUSED', 'the host without its port'],
    [[`Origin: https://localhost:${proxy.port}`], '403 ORIGIN_REFUSED', 'another scheme'],
    [[`Origin: http://127.0.0.1:${proxy.port}`], '403 ORIGIN_REFUSED', 'another name of this host than the one asked'],
    [[`Origin: ${own}/`], '403 ORIGIN_REFUSED', 'nearly our own'],
    [[`Origin: ${own}`, 'Origin: http://evil.example'], '403 ORIGIN_REFUSED', 'two lines'],
    [[`Origin: ${own}`], '200', 'our own'],
    [[`Origin: ${own}`, 'Sec-Fetch-Site: same-origin'], '200', 'our own, as a browser says it'],
    [['Sec-Fetch-Site: none'], '200', 'typed into the address bar'],
    [['Sec-Fetch-Site: cross-site'], '403 ORIGIN_REFUSED', 'an image, a script, a form by GET'],
    [['Sec-Fetch-Site: same-site'], '403 ORIGIN_REFUSED', 'another port of this host'],
    [['Sec-Fetch-Site: Cross-Site'], '403 ORIGIN_REFUSED', 'in another case'],
    [['Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site'], '403 ORIGIN_REFUSED', 'two lines'],
    [['Sec-Fetch-Site: something-new'], '403 ORIGIN_REFUSED', 'a value that is not known'],
    [[`Origin: ${own}`, 'Sec-Fetch-Site: cross-site'], '403 ORIGIN_REFUSED', 'one that is right does not help the other'],
    [['Origin: http://tool.example:3000', 'Sec-Fetch-Site: cross-site'], '200', 'an origin that is allowed'],
    [['Origin: http://tool.example'], '403 ORIGIN_REFUSED', 'nearly that'],
    [['Origin: HTTP://tool.example:3000'], '403 ORIGIN_REFUSED', 'browsers write it in lower case'],
    [['Origin: http://evil.example', 'Access-Control-Request-Method: DELETE'], '403 ORIGIN_REFUSED', 'a preflight'],
    [['Origin: http://tool.example:3000', 'Access-Control-Request-Method: DELETE'], '403 ORIGIN_REFUSED', 'a preflight of an allowed origin'],
    [['Access-Control-Request-Method: GET', 'Access-Control-Request-Private-Network: true'], '403 ORIGIN_REFUSED', 'a preflight without an origin']
  ]
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD']) {
    for (const [fields, wanted, reason] of rows) {
      const before = upstream.sockets.length
      const answer = await exchange(proxy.port, request([LINE.replace('GET', method), `Host: localhost:${proxy.port}`, ...fields]))
      t.equal(outcome(answer), wanted, `${method}: ${reason}`)
      t.equal(upstream.sockets.length - before, wanted === '200' ? 1 : 0, `${method}: ${reason}: reaches MAAS or not`)
      t.notMatch(answer, /access-control-/i, 'no page may read an answer')
    }
  }
  const { error } = jsonBody(await exchange(proxy.port, request([LINE, 'Host: localhost', 'Origin: http://evil.example'])))
  t.match(error, { message: /of the origin http:\/\/evil\.example$/, remedy: /--allow-origin http:\/\/evil\.example$/ })
})

/*
 * The attack: MAAS answers `?callback=f` with `f(...)`, a script that a page of any origin may load and so read.
 */
t.test('an answer cannot be loaded as a script', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const query of ['callback=f', 'a=1&callback=', '%63allback=f', 'callback']) {
    t.equal(outcome(await exchange(proxy.port, request([LINE.replace('machines/', `machines/?${query}`), 'Host: localhost']))), '400 CALLBACK_PRESENT', query)
  }
  t.equal(upstream.sockets.length, 0)
  t.equal(outcome(await exchange(proxy.port, request([LINE.replace('machines/', 'machines/?callbacks=f&x=callback'), 'Host: localhost']))), '200', 'a near name')
})

/*
 * The attack: another process that reaches the listener. Where clients have tokens, one without is turned away before
 * its request is looked at, and what it sent is not passed on.
 */
t.test('where clients have tokens, each request needs one', async t => {
  const upstream = await rawUpstream(t)
  const path = `${t.testdir({ tokens: 'alice alice-token-0001\nbob bob-token-00002\n' })}/tokens`
  chmodSync(path, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [path] }))
  const rows: Array<[fields: string[], client: string | null, reason: string]> = [
    [['MAAS-Proxy-Token: alice-token-0001'], 'alice', 'as a field of ours'],
    [['Authorization: Bearer bob-token-00002'], 'bob', 'as a bearer token'],
    [['authorization: bearer  bob-token-00002'], 'bob', 'in any case'],
    [['MAAS-Proxy-Token: alice-token-0001', 'Authorization: OAuth oauth_token="x"'], 'alice', 'beside a placeholder key'],
    [[], null, 'none'],
    [['MAAS-Proxy-Token: '], null, 'empty'],
    [['MAAS-Proxy-Token: alice-token-0002'], null, 'wrong'],
    [['MAAS-Proxy-Token: alice-token-000'], null, 'a part'],
    [['MAAS-Proxy-Token: alice'], null, 'the name'],
    [['Authorization: OAuth oauth_consumer_key="any", oauth_token="any", oauth_signature_method="PLAINTEXT", oauth_signature="%26bob-token-00002"'], 'bob', 'in the key of a tool that signs'],
    [[`Authorization: Basic ${btoa('any:alice-token-0001')}`], 'alice', 'as the password of curl -u'],
    [['MAAS-Proxy-Token: alice-token-0001', 'MAAS-Proxy-Token: alice-token-0001'], 'alice', 'twice'],
    [['MAAS-Proxy-Token: alice-token-0001', 'Authorization: Bearer bob-token-00002'], null, 'those of two clients'],
    [['Authorization: Bearer bob-token-00002', 'Authorization: Bearer alice-token-0001'], null, 'those of two clients in two lines of one name'],
    [['Authorization: OAuth oauth_consumer_key="any", oauth_token="any", oauth_signature_method="PLAINTEXT", oauth_signature="%2526bob-token-00002"'], null, 'in a key, encoded twice'],
    [['Authorization: OAuth oauth_consumer_key="any",', '\toauth_token="any", oauth_signature_method="PLAINTEXT", oauth_signature="%26bob-token-00002"'], null, 'in a line that is folded'],
    [['MAAS-Proxy-Token: wrong', 'Authorization: Bearer bob-token-00002'], null, 'a wrong one beside a right one'],
    [['Authorization: Basic bob-token-00002'], null, 'another scheme'],
    [['Authorization: bob-token-00002'], null, 'no scheme'],
    [['MAAS_Proxy_Token: alice-token-0001'], null, 'another name']
  ]
  for (const [fields, client, reason] of rows) {
    const before = upstream.sockets.length
    const answer = await exchange(proxy.port, request([LINE, 'Host: localhost', ...fields]))
    t.equal(outcome(answer), client !== null ? '200' : reason.endsWith('folded') ? '400 REQUEST_MALFORMED' : '401 CLIENT_UNKNOWN', reason)
    t.equal(upstream.sockets.length - before, client === null ? 0 : 1, `${reason}: reaches MAAS or not`)
    if (outcome(answer).startsWith('401')) t.match(answer, /^www-authenticate: Bearer realm="maas-auth-proxy"\r$/im)
    if (client !== null) t.match(await proxy.logged(record => record['client'] === client), { access: 'signed' }, 'the log has the name')
  }
  const secrets = new RegExp(['token-000', 'Bearer', btoa('any:alice-token').slice(0, -4)].join('|'))
  t.notMatch(upstream.received(), secrets, 'no token goes to MAAS')
  t.notMatch(JSON.stringify(proxy.log), secrets, 'nor into the log')

  const pages: Array<[path: string, fields: string[], wanted: string, reason: string]> = [
    ['/-/live', [], '200', 'a probe has no token'],
    ['/-/ready', [], '200', 'nor has this one'],
    ['/-/metrics', [], '401 CLIENT_UNKNOWN', 'metrics tell who asked for what'],
    ['/', [], '401 CLIENT_UNKNOWN', 'the front page is for clients too'],
    ['/-/metrics', ['MAAS-Proxy-Token: alice-token-0001'], '200', 'with a token'],
    ['/nowhere', [], '401 CLIENT_UNKNOWN', 'nobody learns without one what is there'],
    ['/-/metrics', ['Origin: http://evil.example'], '403 ORIGIN_REFUSED', 'a web page is refused first: it must not be able to try out tokens'],
    ['/-/live', ['Origin: http://evil.example'], '403 ORIGIN_REFUSED', 'even where none is asked for']
  ]
  for (const [path, fields, wanted, reason] of pages) t.equal(outcome(await exchange(proxy.port, request([`GET ${path} HTTP/1.1`, 'Host: localhost', ...fields]))), wanted, `${path}: ${reason}`)
  t.equal(outcome(await exchange(proxy.port, request([LINE, 'Host: evil.example']))), '403 HOST_REFUSED', 'so is one whose name was made to lead here')

  const unsigned: Array<[target: string, fields: string[], wanted: string, reason: string]> = [
    ['describe/', [], '200', 'the maas CLI and python-libmaas ask for the description without their key'],
    ['version/', [], '200', 'and for the version, which MAAS tells anyone'],
    ['describe/?a=b', [], '200', 'whatever else it says'],
    ['describe/', ['MAAS-Proxy-Token: alice-token-0001'], '200', 'with a token'],
    ['describe/', ['MAAS-Proxy-Token: wrong'], '401 CLIENT_UNKNOWN', 'a wrong token is wrong there too'],
    ['describe/', ['MAAS-Proxy-Access: signed'], '401 CLIENT_UNKNOWN', 'but no signature is lent'],
    ['describe', [], '401 CLIENT_UNKNOWN', 'a near name'],
    ['describe/?op=x', [], '401 CLIENT_UNKNOWN', 'an operation'],
    ['openapi.yaml', [], '401 CLIENT_UNKNOWN', 'no tool asks for the rest without its key'],
    ['files/?op=get_by_key&key=1', [], '401 CLIENT_UNKNOWN', 'nor for files']
  ]
  for (const [target, fields, wanted, reason] of unsigned) t.equal(outcome(await exchange(proxy.port, request([LINE.replace('machines/', target), 'Host: localhost', ...fields]))), wanted, `${target}: ${reason}`)
  t.equal(outcome(await exchange(proxy.port, request([LINE.replace('machines/', 'describe/').replace('GET', 'POST'), 'Host: localhost', 'Content-Length: 0']))), '401 CLIENT_UNKNOWN', 'nor is anything written')
  const open = await startTestProxy(t, testConfig(upstream.url))
  for (const path of ['machines/', 'describe/', 'version/']) {
    const fields = ['Host: localhost', 'MAAS-Proxy-Token: one', 'Authorization: Bearer another']
    t.equal(outcome(await exchange(open.port, request([LINE.replace('machines/', path), ...fields]))), '200', `${path}: where clients need no token, nobody looks at tokens`)
  }
})

t.test('a client of the process stays one when the file of tokens is read again', async t => {
  const file = `${t.testdir({ tokens: 'alice alice-token-0001\n' })}/tokens`
  chmodSync(file, 0o600)
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [file] }), { ownClient: { name: 'own', token: 'own-token-000001' } })
  const ask = async (token: string) => outcome(await exchange(proxy.port, request([LINE, 'Host: localhost', `MAAS-Proxy-Token: ${token}`])))
  t.strictSame([await ask('own-token-000001'), await ask('alice-token-0001')], ['200', '200'])
  writeFileSync(file, 'bob bob-token-00002\n')
  await proxy.reload()
  t.strictSame([await ask('own-token-000001'), await ask('alice-token-0001'), await ask('bob-token-00002')], ['200', '401 CLIENT_UNKNOWN', '200'])
  await proxy.reload()
  t.ok(proxy.log.some(({ msg }) => msg === 'the settings are the same as before'))
})

/*
 * The attack: a tool, or `maas login` without a key, asks MAAS through the proxy for an API key, and walks away with
 * it. (A plain signing proxy in front of a running MAAS gave it one.)
 */
t.test('no key is minted, listed or revoked', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
  const api = `${proxy.address}/MAAS/api/2.0`
  const attempts: Array<[path: string, init: RequestInit, reason: string]> = [
    ['/account/?op=create_authorisation_token', { method: 'POST' }, 'maas login without a key'],
    ['//account/?op=create_authorisation_token', { method: 'POST' }, 'python-libmaas, with its double slash'],
    ['/account/', { method: 'POST', body: new URLSearchParams({ op: 'create_authorisation_token' }) }, 'in a form'],
    ['/account/op-create_authorisation_token', { method: 'POST' }, 'by its own path'],
    ['/account/?op=list_authorisation_tokens', {}, 'the keys there are'],
    ['/account/', { method: 'POST', body: new URLSearchParams({ op: 'delete_authorisation_token', token_key: token }) }, 'to lock the proxy out'],
    ['/machines/abc/?op=get_token', {}, "a machine's token"],
    ['/machines/?op=power_parameters', {}, 'the passwords of all BMCs']
  ]
  for (const [path, init, reason] of attempts) {
    const answer = await fetch(api + path, init)
    t.equal(answer.headers.get('maas-proxy-error'), 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', reason)
    t.match(await answer.json(), { error: { message: /^refused by the credential guard: / } })
  }
  t.equal(maas.records.length, 0, 'MAAS saw nothing')
})

/*
 * The attack: a value of a header that a message repeats, so that a terminal acts on it, or that fills a log. node lets
 * bytes beyond ASCII through, and 0x9b begins a command to a terminal as ESC [ does.
 */
t.test('what a message repeats of a header is short and visible ASCII', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const [bytes, long] = ['\x9b31mevil\xff', 'e'.repeat(1000)]
  const rows: Array<[fields: string[], message: string, reason: string]> = [
    [[`Host: ${bytes}`], 'the Host ?31mevil? is not a name of this listener', 'bytes in a Host'],
    [[`Host: ${long}`], `the Host ${long.slice(0, 100)} is not a name of this listener`, 'a long Host'],
    [['Host: localhost', `Origin: ${bytes}`], 'the request comes from a web page of the origin ?31mevil?', 'bytes in an Origin'],
    [['Host: localhost', `Origin: ${long}`], `the request comes from a web page of the origin ${long.slice(0, 100)}`, 'a long Origin'],
    [['Host: localhost', `Sec-Fetch-Site: ${bytes}`], 'the request comes from a web page of another site (Sec-Fetch-Site: ?31mevil?)', 'bytes in Sec-Fetch-Site'],
    [['Host: localhost', `Sec-Fetch-Site: ${long}`], `the request comes from a web page of another site (Sec-Fetch-Site: ${long.slice(0, 100)})`, 'a long Sec-Fetch-Site']
  ]
  for (const [fields, message, reason] of rows) {
    const answer = await exchange(proxy.port, request([LINE, ...fields]))
    t.equal(jsonBody(answer).error?.message, message, reason)
    t.match(answer, /^[\r\n\x20-\x7e]*$/, `${reason}: nothing else in the answer`)
    t.notMatch(answer, /e{101}/, `${reason}: nor in the remedy`)
  }
})

t.test('every remedy names settings that exist', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[fields: string[], message: RegExp, remedy: RegExp, reason: string]> = [
    [[`Host: localhost:${proxy.port}`, 'Origin: http://evil.example'], /of the origin http:\/\/evil\.example$/, /--allow-origin http:\/\/evil\.example$/, 'an origin that may be allowed'],
    [[`Host: localhost:${proxy.port}`, 'Origin: null'], /does not say its origin/, /^(?!.*allow-origin null)/, 'one that may not: any page can be that'],
    [['Host: evil.example'], /Host evil\.example is not/, /--allow-host evil\.example$/, 'a name that may be allowed'],
    [['Host:'], /has no Host/, /^(?!.*allow-host $)/, 'no name']
  ]
  for (const [fields, message, remedy, reason] of rows) {
    t.match(jsonBody(await exchange(proxy.port, request([LINE, ...fields]))).error, { message, remedy }, reason)
  }
})
