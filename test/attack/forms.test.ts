import t from 'tap'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { PEEK_BYTES } from '../../src/admit/peek.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, keptUpstream, OK, rawUpstream, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const FORM = 'Content-Type: application/x-www-form-urlencoded'
const MULTIPART = 'Content-Type: multipart/form-data; boundary=b'

/** The head of a part with the op, from the end of the delimiter on. */
const PART_HEAD = '\r\nContent-Disposition: form-data; name="op"'

/** A POST with a body, of raw bytes. */
function post (path: string, body: string, ...fields: string[]): string {
  return request([`POST /MAAS/api/2.0/${path} HTTP/1.1`, 'Host: localhost', ...fields, `Content-Length: ${body.length}`], body)
}

/*
 * The attack: MAAS takes the op from a form body as well. A guard that reads the query alone takes a POST with
 * `op=release` in its form for a create. So where the op decides, the form is looked at: within a bound, without losing
 * a byte, and what cannot be judged is refused.
 */
t.test('an op in a form is judged like one in the query', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { allow: ['POST machines/*?op=deploy', 'POST machines/?op=', 'POST tags/**'] }))
  const multipart = (op: string, head = PART_HEAD) => `--b${head}\r\n\r\n${op}\r\n--b--\r\n`
  const padded = (bytes: number) => `${PART_HEAD}\r\nX: `.padEnd(bytes, 'x')
  const rows: Array<[bytes: string, code: string | null, reason: string]> = [
    [post('machines/abc/', 'op=deploy&x=1', FORM), null, 'allowed'],
    [post('machines/abc/', 'op=release', FORM), 'RULE_REFUSED', 'not allowed'],
    [post('machines/abc/', 'op=deploy&op=release', FORM), 'RULE_REFUSED', 'the last one decides'],
    [post('machines/abc/?op=deploy', 'op=release', FORM), null, 'the query beats the form, as in MAAS'],
    [post('machines/abc/?op=', 'op=release', FORM), 'RULE_REFUSED', 'an empty one does not'],
    [post('machines/abc/op-deploy', 'op=release', FORM), 'RULE_REFUSED', 'the form beats the path'],
    [post('machines/abc/', multipart('deploy'), MULTIPART), null, 'multipart'],
    [post('machines/abc/', multipart('release'), MULTIPART), 'RULE_REFUSED', 'multipart, not allowed'],
    [post('machines/abc/', multipart('deploy'), 'Content-Type: multipart/form-data'), 'OPERATION_UNDECIDED', 'without a boundary'],
    [post('machines/abc/', multipart('deploy', padded(1000)), MULTIPART), null, 'multipart, its part with a head that Django reads'],
    [post('machines/abc/', multipart('deploy', padded(1001)), MULTIPART), 'OPERATION_UNDECIDED', 'with a longer one, near the 1,024 bytes beyond which Django ignores the part'],
    [post('machines/abc/', multipart('deploy', padded(1021)), MULTIPART), 'OPERATION_UNDECIDED', 'with one that is beyond, counted with its blank line'],
    [post('machines/abc/', 'op=deploy', 'Content-Type: application/x-www-form-urlencoded; charset=utf-16'), 'HEADER_MALFORMED', 'in another charset'],
    [post('machines/', '{"op": "release"}', 'Content-Type: application/json'), null, 'MAAS takes none from JSON'],
    [post('machines/', 'op=allocate', 'Content-Type: text/plain'), null, 'nor from text'],
    [post('machines/', 'op=allocate'), null, 'nor without a type'],
    [post('machines/', 'op=allocate', FORM), 'RULE_REFUSED', 'but from a form'],
    [post('machines/', 'op=allocate', 'Content-Type: text/plain', FORM), 'REQUEST_MALFORMED', 'two types'],
    [post('machines/', 'op=allocate', 'Content-Type: text/plain', 'Content_Type: application/x-www-form-urlencoded'), null, 'a twin of the type goes no further'],
    [post('account/', 'op=create_authorisation_token', FORM), 'CREDENTIAL_OPERATION_REFUSED', 'the guard looks too'],
    [post('machines/abc/', `--b${PART_HEAD.replace('"op"', '"user_data"')}\r\n\r\n${'x'.repeat(99_000)}\r\n${multipart('deploy')}`, MULTIPART), null, 'behind 99 KB of user data, as Cluster API sends it'],
    [post('machines/abc/', `op=release&user_data=${'x'.repeat(99_000)}`, FORM), 'RULE_REFUSED', 'in front of it, not allowed'],
    [post('tags/', 'op=x', FORM), null, 'where no op decides nobody looks']
  ]
  for (const [bytes, code, reason] of rows) {
    const before = upstream.received().length
    const answer = await exchange(proxy.port, bytes)
    if (code === null) t.match(answer, /^HTTP\/1.1 200 /, reason)
    else t.equal(jsonBody(answer).error?.code, `MAAS_PROXY_${code}`, reason)
    const passed = upstream.received().slice(before)
    t.equal(passed !== '', code === null, `${reason}: reaches MAAS or not`)
    if (code === null) t.equal(passed.slice(passed.indexOf('\r\n\r\n') + 4), bytes.slice(bytes.indexOf('\r\n\r\n') + 4), 'with every byte of its body')
    t.notMatch(passed, /content_type/i)
  }
  t.match(jsonBody(await exchange(proxy.port, post('machines/abc/', 'x', 'Content-Type: multipart/form-data'))).error, { remedy: 'put op in the query: PATH?op=NAME' })
})

t.test('a form that is looked at is passed on whole, however it arrives', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url, { allow: ['POST machines/*?op=deploy'] }))
  const head = `POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${FORM}\r\n`
  const slow = connect(proxy.port, '127.0.0.1')
  slow.write(`${head}Content-Length: 14\r\n\r\nop=`)
  slow.write('dep')
  await new Promise(resolve => setImmediate(resolve))
  t.equal(upstream.sockets.length, 0, 'nothing goes to MAAS before it is decided')
  slow.write('loy&a=12')
  await upstream.sawText('\r\n\r\nop=deploy&a=12')
  const chunked = connect(proxy.port, '127.0.0.1')
  chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nop=\r\n6\r\ndeploy\r\n0\r\n\r\n`)
  await upstream.sawText(/op=deploy(?!&)/)
  const expecting = connect(proxy.port, '127.0.0.1')
  expecting.write(`${head}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n`)
  await once(expecting, 'data')
  expecting.write('op=deploy&b=3')
  await upstream.sawText('op=deploy&b=3')
  upstream.sockets.at(-1)?.end(OK)
  t.notMatch(await readAll(expecting), /100 Continue/, 'and is asked for once')
  for (const socket of [slow, chunked]) socket.destroy()
})

t.test('a client that leaves before its form has come costs MAAS nothing', async t => {
  const rows: Array<[framing: string, part: string, isWarm: boolean]> = [
    ['Content-Length: 100', 'op=deploy', false],
    ['Transfer-Encoding: chunked', '9\r\nop=deploy\r\n', false],
    ['Transfer-Encoding: chunked', '9\r\nop=deploy\r\n', true]
  ]
  for (const [framing, part, isWarm] of rows) {
    const upstream = await keptUpstream(t, socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') })
    const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, { deny: ['POST machines/*?op=release'] }))
    if (isWarm) await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
    const leaving = connect(proxy.port, '127.0.0.1')
    leaving.write(`POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${FORM}\r\n${framing}\r\nExpect: 100-continue\r\n\r\n`)
    await once(leaving, 'data') // so the form is being looked at
    leaving.end(part) // which is allowed, were it the whole form
    const reason = `${framing}, ${isWarm ? 'a' : 'no'} connection to MAAS`
    t.match(await proxy.logged(record => record['complete'] === false), { requestBytes: 0, access: undefined }, reason)
    t.match(await exchange(proxy.port, post('machines/abc/', 'op=deploy&b=2', FORM)), /^HTTP\/1.1 200 /)
    t.equal(upstream.sockets.length, 1, `${reason}: none is made for it`)
    t.equal(upstream.requests.join('').match(/^POST /gm)?.length, 1, `${reason}: MAAS has seen the next client only`)
  }
})

t.test('a form beyond the bound is refused, and the connection goes on', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { deny: ['POST machines/*?op=release'] }))
  const large = `op=deploy&a=${'x'.repeat(PEEK_BYTES + 500_000)}`
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(post('machines/abc/', large, FORM).replace('Connection: close\r\n', ''))
  socket.write(get('/MAAS/api/2.0/version/'))
  const answers = await readAll(socket)
  t.match(answers, /^HTTP\/1.1 403 [^]*OPERATION_UNDECIDED[^]*more than 1 MiB[^]*put op in the query[^]*HTTP\/1.1 200 /)
  t.notMatch(upstream.received(), /op=deploy/)
  t.match(await proxy.logged(record => record['error'] === 'MAAS_PROXY_OPERATION_UNDECIDED'), { wouldRefuse: undefined }, 'its record does not say that it was let through')
  for (const [length, wanted, reason] of [[PEEK_BYTES, /^HTTP\/1.1 200 /, 'one of exactly the bound is judged'], [PEEK_BYTES + 1, /OPERATION_UNDECIDED/, 'one of a byte more is not']] as const) {
    t.match(await exchange(proxy.port, post('machines/abc/', 'op=deploy&a='.padEnd(length, 'x'), FORM)), wanted, reason)
  }

  const patient = await rawUpstream(t, () => {})
  const other = await startTestProxy(t, testConfig(patient.url, { deny: ['POST machines/*?op=release'] }))
  const streaming = connect(other.port, '127.0.0.1')
  const answer = readAll(streaming)
  streaming.write(post('machines/abc/?op=deploy', large, FORM))
  await patient.sawText(large)
  patient.sockets[0]?.end(OK)
  t.match(await answer, /^HTTP\/1.1 200 /, 'with op in the query it may be as large as it likes')
})

/*
 * The attack: forms that never end, one on each connection, until the proxy is out of memory, or has none left for
 * others.
 */
t.test('forms that are looked at have a bounded memory, and small ones get theirs', async t => {
  const upstream = await rawUpstream(t)
  const flags = { deny: ['POST machines/*?op=release'] }
  const proxy = await startTestProxy(t, testConfig(upstream.url, flags))
  const warning = await startTestProxy(t, testConfig(upstream.url, { ...flags, policyMode: ['warn'] }))
  const open = async () => {
    const socket = connect(proxy.port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    const answer = readAll(socket)
    socket.write(`POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${FORM}\r\nContent-Length: ${PEEK_BYTES}\r\nConnection: close\r\n\r\n`)
    await new Promise<void>(resolve => socket.write('op=deploy&a='.padEnd(PEEK_BYTES - 1, 'x'), () => { resolve() }))
    return { socket, answer }
  }
  const large = post('machines/abc/', 'op=deploy&a='.padEnd(PEEK_BYTES, 'x'), FORM)
  const held: Array<Awaited<ReturnType<typeof open>>> = []
  let refusal = ''
  await until('the memory is used up', async () => {
    held.push(await open())
    refusal = await exchange(proxy.port, large)
    return refusal.startsWith('HTTP/1.1 503 ')
  })
  t.ok(held.length < 60, `after some 32 MiB: ${held.length} forms`)
  t.match(refusal, /\r\nRetry-After: 1\r\n/i)
  t.match(jsonBody(refusal).error, { code: 'MAAS_PROXY_FORM_MEMORY_EXHAUSTED', remedy: /put op in the query/ })
  t.match(await exchange(proxy.port, post('machines/abc/', 'op=deploy&a='.padEnd(60_000, 'x'), FORM)), /^HTTP\/1.1 200 /, 'a small form is judged')
  t.match(await exchange(proxy.port, post('machines/abc/?op=deploy', 'a='.padEnd(200_000, 'x'), FORM)), /^HTTP\/1.1 200 /, 'with op in the query none is needed')
  await until('where rules only warn it passes, and the log says so', async () => {
    held.push(await open())
    t.match(await exchange(warning.port, large), /^HTTP\/1.1 200 /)
    return warning.log.some(record => /memory for looking into forms/.test(String(record['wouldRefuse'])))
  })
  for (const { socket } of held) socket.destroy()
  await Promise.all(held.map(async ({ answer }) => await answer))
  await until('clients that leave give their memory back', async () => (await exchange(proxy.port, large)).startsWith('HTTP/1.1 200 '))
})

t.test('a form on which nothing depends goes to MAAS while it still comes', async t => {
  const upstream = await rawUpstream(t, () => {})
  const rows: Array<[flags: Flags, path: string, reason: string]> = [
    [{ deny: ['POST machines/*?op=release'] }, 'machines/abc/?op=deploy', 'the query names the op'],
    [{ deny: ['POST machines/*?op=release'] }, 'tags/', 'no rule asks for an op there'],
    [{ dualOperations: ['anonymous'] }, 'tags/', 'MAAS serves nothing there to anyone']
  ]
  for (const [flags, path, reason] of rows) {
    const proxy = await startTestProxy(t, testConfig(upstream.url, flags))
    const socket = connect(proxy.port, '127.0.0.1')
    const answer = readAll(socket)
    const [first, second] = [`first=${randomUUID()}`, `&second=${randomUUID()}`]
    const whole = post(path, first + second, FORM)
    socket.write(whole.slice(0, -second.length))
    await upstream.sawText(first)
    socket.write(second)
    await upstream.sawText(first + second)
    upstream.sockets.at(-1)?.end(OK)
    t.match(await answer, /^HTTP\/1.1 200 /, reason)
  }
})

t.test('between signed and anonymous the form decides too', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { dualOperations: ['anonymous'] }))
  const large = `op=allocate&a=${'x'.repeat(PEEK_BYTES)}`
  const rows: Array<[bytes: string, access: string, reason: string]> = [
    [post('machines/', 'architecture=amd64', FORM), 'anonymous', 'enlisting'],
    [post('machines/', 'op=accept', FORM), 'anonymous', 'the other operation that can be either'],
    [post('machines/', 'op=allocate', FORM), 'signed', 'one that cannot'],
    [post('machines/?op=allocate', 'a=1', FORM), 'signed', 'nor in the query'],
    [post('tags/', 'op=accept', FORM), 'signed', 'nor elsewhere'],
    [post('tags/', large, FORM), 'signed', 'where nothing can be either, a form need not be judged']
  ]
  for (const [bytes, access, reason] of rows) {
    const before = upstream.received().length
    await exchange(proxy.port, bytes)
    t.equal(/^Authorization:/m.test(upstream.received().slice(before)), access === 'signed', reason)
  }
  const before = upstream.sockets.length
  const usual = await startTestProxy(t, testConfig(upstream.url))
  const refused: Array<[port: number, bytes: string, code: string, reason: string]> = [
    [proxy.port, post('machines/', 'op=allocate', FORM, 'MAAS-Proxy-Access: anonymous'), 'ACCESS_UNAVAILABLE', 'asked for by the client, for an operation that cannot'],
    [usual.port, post('machines/', 'op=allocate', FORM, 'MAAS-Proxy-Access: anonymous'), 'ACCESS_UNAVAILABLE', 'where that alone makes it depend on the form'],
    [usual.port, post('machines/', large, FORM, 'MAAS-Proxy-Access: anonymous'), 'OPERATION_UNDECIDED', 'a form beyond the bound: it may name an operation that has to be signed'],
    [proxy.port, post('machines/', large, FORM), 'OPERATION_UNDECIDED', 'the same by the setting'],
    [proxy.port, post('machines/', 'op=allocate', 'Content-Type: multipart/form-data'), 'OPERATION_UNDECIDED', 'a form without a boundary']
  ]
  for (const [port, bytes, code, reason] of refused) t.equal(jsonBody(await exchange(port, bytes)).error?.code, `MAAS_PROXY_${code}`, reason)
  t.equal(upstream.sockets.length, before, 'and none of them reaches MAAS')
})

t.test('--policy-mode warn lets pass what rules refuse, and says so; the guard stays', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { policyMode: ['warn'], deny: ['DELETE machines/*'] }))
  t.match(await exchange(proxy.port, request(['DELETE /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost'])), /^HTTP\/1.1 200 /)
  const large = `op=x&a=${'x'.repeat(PEEK_BYTES)}`
  const warning = await startTestProxy(t, testConfig(upstream.url, { policyMode: ['warn'], deny: ['POST scripts/*?op=revert'] }))
  t.match(await exchange(warning.port, post('scripts/foo', large, FORM)), /^HTTP\/1.1 200 /, 'nor does it refuse what cannot be decided')
  const patient = await rawUpstream(t, () => {})
  const passing = connect((await startTestProxy(t, testConfig(patient.url, { policyMode: ['warn'], deny: ['POST scripts/*?op=revert'] }))).port, '127.0.0.1')
  const whole = `${large}${'y'.repeat(500_000)}&end`
  passing.write(post('scripts/foo', whole, FORM))
  await patient.sawText(whole)
  passing.destroy()
  t.equal(patient.received().split('\r\n\r\n')[1], whole, 'what was looked at of it and the rest reach MAAS in order')
  t.match(await warning.logged(record => record['method'] === 'POST'), { level: 40, wouldRefuse: /more than 1 MiB/ })
  t.equal(jsonBody(await exchange(warning.port, post('account/', large, FORM))).error?.code, 'MAAS_PROXY_OPERATION_UNDECIDED', 'unless the guard has to know')
  t.match(await proxy.logged(record => record['method'] === 'DELETE'), { level: 40, wouldRefuse: '--deny "DELETE machines/*"', status: 200 })
  t.equal(jsonBody(await exchange(proxy.port, get('/MAAS/api/2.0/account/?op=list_authorisation_tokens'))).error?.code, 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED')
  t.match(jsonBody(await exchange((await startTestProxy(t, testConfig(upstream.url, { deny: ['DELETE machines/*'] }))).port, request(['DELETE /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost']))).error, {
    code: 'MAAS_PROXY_RULE_REFUSED', message: 'refused by --deny "DELETE machines/*"', remedy: /policy list/
  }, 'enforced, it names the rule')
  const closing = { allow: ['GET version/'] }
  const closed = await startTestProxy(t, testConfig(upstream.url, closing))
  t.match(jsonBody(await exchange(closed.port, post('machines/abc/?op=deploy', '', FORM))).error, {
    code: 'MAAS_PROXY_RULE_REFUSED', remedy: 'allow it with --allow "POST machines/*?op=deploy"'
  }, 'or the rule that is missing')
  t.match(await closed.logged(record => record['msg'] === 'request'), { missingRule: 'POST machines/*?op=deploy' }, 'which its record has too')
  t.match(jsonBody(await exchange(closed.port, post('machines/abc/', 'op=deploy', FORM))).error, {
    code: 'MAAS_PROXY_RULE_REFUSED', remedy: 'allow it with --allow "POST machines/*?op=deploy"'
  }, 'also where the op is in a form')
  const lenient = await startTestProxy(t, testConfig(upstream.url, { ...closing, policyMode: ['warn'] }))
  t.match(await exchange(lenient.port, post('machines/abc/', 'op=deploy', FORM)), /^HTTP\/1.1 200 /)
  t.match(await lenient.logged(record => record['msg'] === 'request'), { level: 40, missingRule: 'POST machines/*?op=deploy' }, 'which streams by if rules only warn')
})

/*
 * The attack: Django decodes the query, too, by the charset of `Content-Type`, whatever the method. In UTF-7 `+AG8AcA-`
 * is `op`, so `GET account/?+AG8AcA-=list_authorisation_tokens` lists the keys, and no guard that reads ASCII sees it.
 */
t.test('a charset cannot change the op that was decided on', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const refused: Array<[type: string, reason: string]> = [
    ['x; charset=utf-7', 'UTF-7'],
    ['text/plain;charset=UTF-16', 'UTF-16'],
    ['x; charset=unicode_escape', 'the escapes of Python'],
    ['x; charset=punycode', 'Punycode'],
    ["x; charset='utf-8'", 'other quotes'],
    ['x; charset=utf-8; charset=utf-7', 'two'],
    ['x; charset=utf-7; charset=utf-8', 'in the other order'],
    ['x; a="; charset=utf-8"; charset=utf-7', 'one in quotes'],
    ['x; a="; charset=utf-8"', 'only in quotes'],
    ['x; charset*=utf-7', 'in the extended form'],
    ['x; charset*0=utf-; charset*1=7', 'in pieces'],
    ['x; charset = utf-7', 'with blanks'],
    ['x; charset="utf-8', 'an open quote'],
    ['x; charset="ut\\f-8"', 'an escape'],
    ['x; charset', 'no value'],
    ['x; CharSet=Utf-7', 'in any case']
  ]
  for (const [type, reason] of refused) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await exchange(proxy.port, request([`${method} /MAAS/api/2.0/account/?+AG8AcA-=list_authorisation_tokens HTTP/1.1`, 'Host: localhost', `Content-Type: ${type}`]))
      t.match(jsonBody(answer).error, { code: 'MAAS_PROXY_HEADER_MALFORMED', remedy: /charset=utf-8/ }, `${method}: ${reason}`)
    }
  }
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
  for (const type of ['x; charset=utf-8', 'x;charset="UTF-8"', 'x; charset=us-ascii ; a=b', 'x; a="b c"; charset=ISO-8859-1', 'x; a=b', 'multipart/form-data; charset=utf-8; boundary=b']) {
    t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/', `Content-Type: ${type}`)), /^HTTP\/1.1 200 /, type)
  }
})

/*
 * The attack: a path that ends in `/op-NAME` names one operation, its form another one, which MAAS prefers. Where the
 * form cannot be judged, or is one for some versions of Django only, neither may be taken for granted.
 */
t.test('an op in the path does not bypass an undecidable form', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const large = `op=create_authorisation_token&x=${'a'.repeat(PEEK_BYTES)}`
  const asFile = '--b\r\nContent-Disposition: form-data; name="op"\r\n\r\ncreate_authorisation_token\r\n--b\r\nContent-Disposition: form-data; name="op"; filename="x"\r\n\r\nzz\r\n--b--\r\n'
  const rows: Array<[bytes: string, reason: string]> = [
    [post('account/op-zz', large, FORM), 'a form beyond the bound, behind an operation that is none'],
    [post('account/op-list_authorisation_tokens', large, FORM), 'or another one'],
    [post('account/op-zz', asFile, MULTIPART), 'a form that is uncertain'],
    [post('account/op-create_authorisation_token', 'op=zz', 'Content-Type: Application/x-www-form-urlencoded'), 'a decoy in a form that may be none'],
    [post('account/op-create_authorisation_token', asFile.replace('create_authorisation_token', 'zz').replace('; filename="x"', ''), 'Content-Type: multipart/Form-data; boundary=b'), 'the same in multipart'],
    [post('account/', 'op=zz', 'Content-Type: APPLICATION/X-WWW-FORM-URLENCODED'), 'without an ending']
  ]
  for (const [bytes, reason] of rows) t.match(jsonBody(await exchange(proxy.port, bytes)).error, { code: /^MAAS_PROXY_(OPERATION_UNDECIDED|CREDENTIAL_OPERATION_REFUSED)$/ }, reason)
  const accepting = await startTestProxy(t, testConfig(upstream.url, { allow: ['POST machines/?op=accept'] }))
  t.equal(jsonBody(await exchange(accepting.port, post('machines/', 'op=accept', 'Content-Type: Application/X-www-form-urlencoded'))).error?.code, 'MAAS_PROXY_OPERATION_UNDECIDED', 'nor for a rule')
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
})
