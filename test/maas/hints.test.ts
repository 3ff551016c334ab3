import t from 'tap'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import type { HintAnswer, HintRequest, HintRoute } from '../../src/maas/hint-row.ts'
import { findHint } from '../../src/maas/hints.ts'
import { operationsOf } from '../../src/policy/catalogue.ts'
import { ignoresOtherBodies } from '../../src/policy/form-operations.ts'
import { parseRule } from '../../src/policy/rule.ts'
import { API_ROOT } from '../../src/policy/segments.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, rawUpstream, readAll, request } from '../helper/sockets.ts'

const OAUTH = { challenge: 'OAuth realm="OAuth"' }
const EVERY: HintRoute = { template: 'machines/', methods: ['GET', 'POST'], methodsOfOp: [] }

/** An answer to a request that is as usual in all that a row does not name. */
function answer (
  status: number, body: string | null = null, more: Partial<HintAnswer> = {}, request: Partial<HintRequest> | null = {}
): HintAnswer {
  const usual: HintRequest = { method: 'GET', rawPath: '/MAAS/api/2.0/machines/', op: null, isOpInPath: false, body: null, route: EVERY, ignoresOtherBodies: false }
  return {
    status, access: 'signed', retryAfter: null, challenge: null, allow: null, body, isAdmin: null, version: null, request: request === null ? null : { ...usual, ...request }, ...more
  }
}

const unknownPath = (path: string, request: Partial<HintRequest>, more: Partial<HintAnswer> = {}) => (
  answer(404, `Unknown API endpoint: /MAAS/api/2.0/${path}.`, more, { rawPath: `/MAAS/api/2.0/${path}`, ...request })
)

t.test('errors of MAAS get a hint', async t => {
  const since = { ...EVERY, template: 'groups/', since: '3.8' }
  const gone = { ...EVERY, template: 'pods/', goneIn: '4.0' }
  const ignoring = { method: 'POST', ignoresOtherBodies: true }
  const long = 'x'.repeat(300)
  const rows: Array<[answer: HintAnswer, wanted: RegExp | null, reason: string]> = [
    [answer(401, 'Authorization Error: Invalid API key.', OAUTH), /consumer key, the first part/, 'bad consumer'],
    [answer(401, "Authorization Error: 'Invalid access token: nosuchtoken'", OAUTH), /token key, the second part/, 'bad token'],
    [answer(401, "Authorization Error: 'Invalid signature. Expected signature base string: [token secret]'", OAUTH), /token secret, the third part/, 'bad secret'],
    [answer(401, "Authorization Error: 'Expired timestamp: given 1 and now 2 has a greater difference than threshold 300'", OAUTH), /clock of this machine/, 'timestamp 400 s old'],
    [answer(401, "Authorization Error: 'Nonce already used: 358a'", OAUTH), /send it again/, 'the same nonce again'],
    [answer(401, 'You must be logged in to accept machines.', { access: 'anonymous' }), /MAAS-Proxy-Access: signed/, 'POST machines op=accept, anonymous'],
    [answer(401, 'Forbidden', { access: 'anonymous' }), /^sent unsigned/, 'whoami, anonymous'],
    [answer(401, 'Forbidden'), /external authentication.*or the user was switched off at the identity provider/, 'signed, and yet not seen as signed'],
    [answer(401, '{"Code": "macaroon discharge required"}', { challenge: 'Macaroon' }), /external authentication/, 'a macaroon'],
    [answer(401, 'something new', OAUTH), null, 'what nobody has seen'],
    [answer(403, 'This method is reserved for admin users.'), /check whether it needs the key of an administrator/, 'whose key it is, is not known yet'],
    [answer(403, 'This method is reserved for admin users.', { isAdmin: false }), /is no administrator/, 'plain user: admin-only POST users'],
    [answer(403, '', { isAdmin: true }), /^the key is that of an administrator, .* up to the owner/, "an administrator marks another's machine broken"],
    [answer(400, 'Unrecognised signature: method=GET op=nosuch', {}, { op: 'nosuch' }), /check the method, the path and op/, 'wrong op, signed'],
    [answer(400, 'Unrecognised signature: method=GET op=None', { access: 'anonymous' }), /^sent unsigned/, 'GET machines, anonymous'],
    [answer(400, 'Unrecognised signature: method=GET op=allocate', {}, { op: 'allocate', route: { ...EVERY, methodsOfOp: ['POST'] } }), /has op=allocate at this path with POST, not GET/, 'an op with another method'],
    [answer(400, 'Unrecognised signature: method=POST op=None', {}, { method: 'POST', body: 'json' }), /never from JSON: write it as PATH\?op=NAME/, 'op in a JSON body'],
    [answer(400, 'Unrecognised signature: method=POST op=x', {}, { method: 'POST', body: 'json', op: 'x' }), /check the method/, 'op in the query beside one'],
    [answer(400, '<center>The plain HTTP request was sent to HTTPS port</center>', { access: 'anonymous' }), /https:\/\/ in MAAS_URL/, 'http on the TLS port of nginx'],
    [answer(400, '<title>400 Request Header Or Cookie Too Large</title>'), /8 KB of a header field \(32 KB since MAAS 3.8\)/, 'a field of 20 KB'],
    [answer(400, '{}', {}, { method: 'POST', body: 'other' }), /as a form \(curl -d NAME=VALUE or -F\), not as JSON/, 'POST tags/ as text/plain'],
    [answer(400, 'Bad Request', {}, { method: 'POST', body: 'json' }), /as a form/, 'JSON that is none'],
    [answer(400, '{}', {}, { method: 'POST', body: 'form' }), null, 'a form, which MAAS did read'],
    [answer(400, '{}', {}, null), null, 'a probe'],
    [answer(400, 'register_vmhost has been removed.'), /removed in MAAS 4.0, see the answer/, 'op=deploy install_kvm on 4.0'],
    [answer(400, 'Invalid boundary in multipart: None'), /no boundary in its Content-Type/, 'a multipart type without its boundary'],
    [answer(500, 'Invalid boundary in multipart: None'), /no boundary in its Content-Type/, 'which some versions answer with 500'],
    [answer(400, 'Filename not supplied'), null, 'another 400'],
    [answer(400), null, 'one that was not looked at'],
    [unknownPath('machines', {}), /^paths of MAAS end in a slash: \/MAAS\/api\/2\.0\/machines\/$/, 'a missing slash'],
    [unknownPath(long, {}), /^paths of MAAS end in a slash: \.\.\.\/x{199}\/$/, 'a path too long for a header field'],
    [unknownPath('scripts/foo/', { route: { ...EVERY, template: 'scripts/{name}' } }), /ends without a slash: \/MAAS\/api\/2\.0\/scripts\/foo$/, 'a slash too many'],
    [unknownPath('scripts/foo', { route: { ...EVERY, template: 'scripts/{name}' } }), null, 'what has no explanation'],
    [unknownPath('machines/op-alocate', { op: 'alocate', isOpInPath: true }), /no operation of that name at this path/, 'a typing error in an operation'],
    [unknownPath('groups/', { route: since }, { version: '3.7.3' }), /^MAAS has this path since 3.8; this one is 3.7.3$/, 'an older MAAS'],
    [unknownPath('groups', { route: since }, { version: '3.7.3' }), /^MAAS has this path since 3.8/, 'where a slash would not help'],
    [unknownPath('groups', { route: since }, { version: '3.10.0' }), /^paths of MAAS end in a slash/, 'where only a slash is missing, since 10 is more than 8'],
    [unknownPath('groups/', { route: since }), /^MAAS has this path since 3.8; GET \/MAAS\/api\/2.0\/version\/ says/, 'a version that is not known'],
    [unknownPath('groups/', { route: since }, { version: 'unknown' }), /^MAAS has this path since 3.8; GET/, 'or makes no sense'],
    [unknownPath('pods/', { route: gone }, { version: '4.0.0' }), /^MAAS has this path before 4.0 only; this one is 4.0.0$/, 'a newer MAAS'],
    [unknownPath('nosuch/', { route: null }), /^no MAAS from 3.4 on has such a path: maas-auth-proxy policy list/, 'no path of any version'],
    [answer(404, 'No Machine matches the given query.'), null, 'what needs no explaining'],
    [answer(405, '', { allow: 'POST, GET' }), /^this path of MAAS has the methods POST, GET$/, "MAAS's own list"],
    [answer(405, ''), /^this path of MAAS has the methods GET, POST$/, 'that of the route, if it has none'],
    [answer(405, '', { allow: 'GET\u00e9' }), /methods GET, POST$/, 'or one that cannot stand in a header'],
    [answer(405, '', {}, { route: null }), null, 'nobody knows'],
    [answer(409, null, { retryAfter: '5' }), /after Retry-After seconds; if it stays, what you create may exist already/, 'a conflict of transactions, or a user that exists'],
    [answer(409), /retrying will not help/, 'POST machines op=allocate, signed'],
    [answer(410, 'The 1.0 API is no longer available. Please use API version 2.0.'), /use \/MAAS\/api\/2.0\//, 'API 1.0'],
    [answer(410, 'VM host (KVM) support has been removed from MAAS.'), /^removed in MAAS 4.0/, 'pods on 4.0'],
    [answer(413), /10 MB$/, 'a large body'],
    [answer(413, null, {}, { route: { ...EVERY, template: 'files/' } }), /a file that MAAS keeps has to be smaller/, 'POST files over 10M'],
    [answer(413, null, {}, { route: { ...EVERY, template: 'boot-resources/' } }), /PUT pieces of 4 MB.*upload_uri/, 'an image in one piece'],
    [answer(414), /8 KB of a request line.*fewer id= parameters/, 'a query of 20 KB'],
    [answer(500, "'dict' object has no attribute 'getlist'"), /as a form/, 'machines/ with JSON'],
    [answer(500, "'dict' object has no attribute 'lists'"), /as a form/, 'allocate with JSON'],
    [answer(500, "'NoneType' object has no attribute 'get'"), /as a form/, 'a body without a type'],
    [answer(500, "'list' object has no attribute 'items'"), /as a form/, 'a JSON list'],
    [answer(500, 'dictionary changed size during iteration'), /oauth_ parameter out of the form/, 'oauth_ parameters in a form'],
    [answer(500, 'value too long'), null, 'what cannot be explained'],
    [answer(502), /whether it is starting or down/, 'nginx while the region controller restarts'],
    [answer(503, null, { retryAfter: '10' }), /after Retry-After seconds/, 'no rack controller'],
    [answer(503), /see the answer/, 'a power problem'],
    [answer(504), /may still be at work: look at the resource/, 'nginx gave up'],
    [answer(200, null, {}, { ...ignoring, body: 'json' }), /^MAAS ignores a JSON body here, so your parameters had no effect/, 'op=deploy with distro_series in JSON'],
    [answer(200, null, {}, { ...ignoring, body: 'other' }), /^MAAS ignores a body here that is not a form/, 'as text/plain'],
    [answer(200, null, {}, { ...ignoring, body: 'form' }), null, 'as a form'],
    [answer(200, null, {}, ignoring), null, 'without a body'],
    [answer(200, null, {}, { method: 'POST', body: 'json' }), null, 'an operation that reads JSON'],
    [answer(500), null, 'nothing to go by']
  ]
  for (const [given, wanted, reason] of rows) {
    const hint = findHint(given)
    if (wanted === null) t.equal(hint, null, reason)
    else t.match(hint, wanted, reason)
    t.match(hint ?? '', /^[\x20-\x7e]*$/, 'it may stand in a header')
  }
})

t.test('operations that ignore a JSON body get a hint', async t => {
  const rows: Array<{ rule: string, reason: string }> = JSON.parse(readFileSync(new URL('../../config/form-operations.json', import.meta.url), 'utf8'))
  for (const { rule, reason } of rows) {
    t.match(reason, /\(api\/\w+\.py, .+\)\.$/, `${rule}: says where MAAS reads it`)
    const [known] = operationsOf(parseRule(rule))
    t.ok(known !== undefined && ignoresOtherBodies({ ...known, path: API_ROOT + known.path, fromPath: false }), rule)
  }
  t.notOk(ignoresOtherBodies({ method: 'POST', path: `${API_ROOT}tags/`, op: null, fromPath: false }), 'tags are made from JSON as well')
})

t.test('a hint depends on the request', async t => {
  const form = 'application/x-www-form-urlencoded'
  const json = 'application/json'
  const reply = (status: number, body: string, ...fields: string[]) => ['HTTP/1.1 ' + status + ' Status', `Content-Length: ${body.length}`, 'Connection: close', ...fields, '', body].join('\r\n')
  const rows: Array<[
    head: string, type: string, body: string, reply: string, hint: RegExp | null, level: number, reason: string
  ]> = [
    ['POST machines/abc/?op=deploy', json, '{"distro_series": "noble"}', reply(200, '{}'), /^MAAS ignores a JSON body here/, 40, 'a machine is being installed with the wrong system'],
    ['POST machines/abc/op-deploy', `${json}; charset=utf-8`, '{"distro_series": "noble"}', reply(200, '{}'), /^MAAS ignores a JSON body here/, 40, 'by its own path'],
    ['POST machines/abc/?op=power_off', 'text/plain', 'stop_mode=soft', reply(200, '{}'), /^MAAS ignores a body here/, 40, 'no form'],
    ['POST machines/abc/?op=power_off', 'x/x', 'stop_mode=soft', reply(200, '{}'), /^MAAS ignores a body here/, 40, 'another type'],
    ['POST machines/abc/?op=deploy', json, '{}', reply(200, '{}'), null, 30, 'nothing to ignore'],
    ['POST machines/abc/?op=deploy', json, '', reply(200, '{}'), null, 30, 'no body'],
    ['POST machines/abc/?op=deploy', form, 'distro_series=noble', reply(200, '{}'), null, 30, 'a form'],
    ['POST tags/', json, '{"name": "a"}', reply(200, '{}'), null, 30, 'an operation that reads JSON'],
    ['GET tags', '', '', reply(404, 'Unknown API endpoint: /MAAS/api/2.0/tags.'), /end in a slash: \/MAAS\/api\/2.0\/tags\/$/, 30, 'a missing slash'],
    ['GET tags/abc', '', '', reply(404, 'Unknown API endpoint: /MAAS/api/2.0/tags/abc.'), /end in a slash: \/MAAS\/api\/2.0\/tags\/abc\/$/, 30, 'behind a name'],
    ['GET nosuch/', '', '', reply(404, 'Unknown API endpoint: /MAAS/api/2.0/nosuch/.'), /^no MAAS from 3.4 on/, 30, 'no route'],
    ['GET machines/?op=allocate', '', '', reply(400, 'Unrecognised signature: method=GET op=allocate'), /with POST, not GET/, 30, 'an op with another method'],
    ['PATCH users/', '', '', reply(405, '', 'Allow: POST, GET'), /methods POST, GET$/, 30, 'a method that the path does not have'],
    ['GET version/', '', '', reply(414, ''), /8 KB of a request line/, 30, 'a long line']
  ]
  for (const [head, type, body, bytes, hint, level, reason] of rows) {
    const upstream = await rawUpstream(t, socket => socket.end(bytes))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const [method = '', path = ''] = head.split(' ')
    const fields = type === '' ? [] : [`Content-Type: ${type}`, `Content-Length: ${body.length}`]
    const told = await exchange(proxy.port, request([`${method} /MAAS/api/2.0/${path} HTTP/1.1`, 'Host: localhost', ...fields], body))
    const [, found = null] = /^maas-proxy-hint: (.*)\r$/im.exec(told) ?? []
    if (hint === null) t.equal(found, null, `${head}: ${reason}`)
    else t.match(found, hint, `${head}: ${reason}`)
    t.match(await proxy.logged(record => record['msg'] === 'request'), { level, ...hint === null ? {} : { hint } }, `${reason}: in the log`)
  }
})

t.test('a hint depends on the user of the key and on the version of MAAS', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  for (const [user, hint] of [[maas.user, /is no administrator/], [maas.admin, null]] as const) {
    const proxy = await startTestProxy(t, testConfig(maas.url, { allowCredentialOperations: ['true'] }, `${user.consumer}:${user.token}:${user.secret}`))
    t.equal((await fetch(`${proxy.address}/-/ready`)).status, 200)
    const answer = await fetch(`${proxy.address}/MAAS/api/2.0/users/`, { method: 'POST' })
    if (hint === null) t.not(answer.status, 403)
    else t.match(answer.headers.get('maas-proxy-hint'), hint)
    await answer.body?.cancel()
  }
  const upstream = await rawUpstream(t, (socket, head) => {
    const [status, body] = head.includes('/version/') ? ['200 OK', '{"version": "3.7.3"}'] : ['404 Not Found', 'Unknown API endpoint: x.']
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url), { probeAtStart: true })
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/groups/')), /\r\nMAAS-Proxy-Hint: MAAS has this path since 3.8; this one is 3.7.3\r\n/i)
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

t.test('only a short 400 is buffered for its hint', async t => {
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

t.test('an answer whose hint depends on the status alone is streamed', async t => {
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
