import t from 'tap'
import { connect, createServer } from 'node:net'
import { PEEK_BYTES } from '../src/admit/peek.ts'
import { startStandIn } from '../src/demo/stand-in/index.ts'
import type { Flags } from '../src/settings/setting-input.ts'
import { type LogRecord, startTestProxy, type TestProxy, testConfig } from './helper/proxy.ts'
import { closed, exchange, get, listenOn, OK, rawUpstream, request } from './helper/sockets.ts'

const FORM = 'Content-Type: application/x-www-form-urlencoded'
const MULTIPART = 'Content-Type: multipart/form-data; boundary=b'

/** The fields of a record that depend on the request and on MAAS alone. */
const OBSERVED = ['method', 'path', 'op', 'opUnknown', 'access', 'status', 'requestBytes', 'hint'] as const

/** A POST of raw bytes with a body that has a length. */
function post (path: string, body: string, ...fields: string[]): string {
  return request([`POST /MAAS/api/2.0/${path} HTTP/1.1`, 'Host: localhost', ...fields, `Content-Length: ${body.length}`], body)
}

/** One whose body comes in chunks of a size. */
function postChunked (path: string, body: string, size: number, ...fields: string[]): string {
  const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.slice(i * size, (i + 1) * size))
  const coded = [...chunks.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`), '0\r\n\r\n'].join('')
  return request([`POST /MAAS/api/2.0/${path} HTTP/1.1`, 'Host: localhost', ...fields, 'Transfer-Encoding: chunked'], coded)
}

function multipart (...fields: Array<[name: string, value: string]>): string {
  return `${fields.map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--b--\r\n`
}

/** Sends a request, and waits for its record. */
async function recordOf (proxy: TestProxy, bytes: string): Promise<LogRecord> {
  const before = proxy.log.length
  await exchange(proxy.port, bytes)
  return await proxy.logged(record => record['msg'] === 'request' && proxy.log.indexOf(record) >= before)
}

t.test('the op of a form is in the record, in the audit and in the metrics, although no rule needs it', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
  const large = 'x'.repeat(PEEK_BYTES)
  const [tooLarge, twoWays] = ['its form has more than 1 MiB', 'its form can be read in two ways']
  const rows: Array<[bytes: string, op: string | undefined, opUnknown: string | undefined, reason: string]> = [
    [post('machines/abc/', 'op=release&x=1', FORM), 'release', undefined, 'urlencoded'],
    [post('machines/abc/', multipart(['x', '1'], ['op', 'release']), MULTIPART), 'release', undefined, 'multipart'],
    [postChunked('machines/abc/', 'a=1&op=release', 1, FORM), 'release', undefined, 'in chunks of a byte'],
    [postChunked('machines/abc/', multipart(['op', 'deploy'], ['user_data', large.slice(0, 300_000)]), 5000, MULTIPART), 'deploy', undefined, 'before user data'],
    [post('machines/abc/', `user_data=${large.slice(0, 300_000)}&op=deploy`, FORM), 'deploy', undefined, 'behind it'],
    [post('machines/abc/', 'op=deploy&op=release', FORM), 'release', undefined, 'the last one'],
    [post('machines/abc/op-deploy', 'op=release', FORM), 'release', undefined, 'the form beats the path'],
    [post('machines/abc/op-deploy', 'x=1', FORM), 'deploy', undefined, 'the path where the form has none'],
    [post('machines/abc/?op=deploy', 'op=release', FORM), 'deploy', undefined, 'the query beats the form'],
    [post('machines/abc/?op=', 'op=release', FORM), 'release', undefined, 'an empty one does not'],
    [post('machines/abc/', 'x=1', FORM), undefined, undefined, 'no op'],
    [post('machines/abc/', 'op=', FORM), undefined, undefined, 'an empty one'],
    [post('machines/abc/', 'op=release%1b%5B31m', FORM), 'release?[31m', undefined, 'without the control sequences of terminals'],
    [post('machines/abc/', '{"op": "release"}', 'Content-Type: application/json'), undefined, undefined, 'MAAS takes none from JSON'],
    [post('machines/abc/', 'op=release', FORM).replace('POST', 'PUT'), undefined, undefined, 'nor from the form of a PUT'],
    [request(['POST /MAAS/api/2.0/machines/abc/ HTTP/1.1', 'Host: localhost', FORM]), undefined, undefined, 'a form without a body'],
    [post('machines/abc/', '', FORM), undefined, undefined, 'an empty form'],
    [post('machines/abc/', 'op=release&a='.padEnd(PEEK_BYTES, 'x'), FORM), 'release', undefined, 'a form of exactly 1 MiB'],
    [post('machines/abc/', 'op=release&a='.padEnd(PEEK_BYTES + 1, 'x'), FORM), 'unknown', tooLarge, 'one of a byte more'],
    [postChunked('machines/abc/', 'op=release&a='.padEnd(PEEK_BYTES, 'x'), 50_000, FORM), 'release', undefined, 'without a length'],
    [postChunked('machines/abc/', 'op=release&a='.padEnd(PEEK_BYTES + 1, 'x'), 50_000, FORM), 'unknown', tooLarge, 'and of a byte more'],
    [post('machines/abc/', 'op=release', 'Content-Type: application/x-www-form-urlencoded, text/plain'), 'unknown', twoWays, 'a type that only resembles a form'],
    [post('machines/abc/', multipart(['op', 'release']), 'Content-Type: multipart/form-data'), 'unknown', twoWays, 'no boundary'],
    [post('machines/abc/', multipart(['op', 'release']).slice(0, -4), MULTIPART), 'unknown', twoWays, 'no end'],
    [post('machines/abc/', 'op=unknown', FORM), 'unknown', undefined, 'an op of that name has no reason']
  ]
  const audited = new Map<unknown, LogRecord>()
  for (const [bytes, op, opUnknown, reason] of rows) {
    const record = await recordOf(proxy, bytes)
    t.strictSame([record['op'], record['opUnknown']], [op, opUnknown], reason)
    const audit = await proxy.logged(({ msg, id }) => msg === 'audit' && id === record['id'])
    t.strictSame([audit['op'], audit['opUnknown']], [op, opUnknown], `${reason}: in the audit`)
    audited.set(record['id'], audit)
  }
  t.equal(audited.size, rows.length, 'each has a record of its own')
  const metrics = await exchange(proxy.port, get('/-/metrics'))
  for (const op of ['release', 'deploy', 'none', 'unknown', 'other']) t.match(metrics, `requests_total{method="POST",resource="machines/{system_id}/",op="${op}"`, `${op} is counted`)
  t.match(metrics, /requests_total\{method="POST",resource="machines\/\{system_id\}\/",op="unknown",access="signed",status="\d+"\} [45]\n/, 'the unknown ones as such')
})

t.test('the op of a form is known, whatever becomes of the request', async t => {
  const early = await rawUpstream(t) // answers at the head, and closes
  const gone = createServer()
  const port = await listenOn(t, gone)
  await new Promise(resolve => gone.close(resolve))
  for (const [url, reason] of [[early.url, 'MAAS answers before it has the form'], [`http://127.0.0.1:${port}/MAAS`, 'MAAS cannot be reached']] as const) {
    const proxy = await startTestProxy(t, testConfig(url))
    t.match(await recordOf(proxy, post('machines/abc/', 'op=release&x=1', FORM)), { op: 'release', opUnknown: undefined }, reason)
  }
  const proxy = await startTestProxy(t, testConfig(early.url, { deny: ['POST machines/*'] }))
  t.match(await recordOf(proxy, post('machines/abc/', 'op=release&x=1', FORM)), { op: 'unknown', opUnknown: 'its form was not read to the end', error: 'MAAS_PROXY_RULE_REFUSED' }, 'unless it is refused before anything is read')
})

t.test('requests whose op is not known are not counted as requests without one', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const type of ['application/json', 'x-form', 'x-form']) await recordOf(proxy, post('machines/abc/', 'x', `Content-Type: ${type}`))
  const metrics = await exchange(proxy.port, get('/-/metrics'))
  for (const [op, count] of [['none', 1], ['unknown', 2]] as const) {
    t.match(metrics, `requests_total{method="POST",resource="machines/{system_id}/",op="${op}",access="signed",status="200"} ${count}\n`, `${count} ${op}`)
  }
})

t.test('a form that the client does not finish leaves its op unknown', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(`POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${FORM}\r\nContent-Length: 100\r\n\r\nop=deploy&`)
  await upstream.sawText('op=deploy&')
  socket.destroy()
  await closed(socket)
  t.match(await proxy.logged(({ msg }) => msg === 'request'), { op: 'unknown', opUnknown: 'its form was not read to the end', complete: false })
  const large = connect(proxy.port, '127.0.0.1')
  large.write(`POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${FORM}\r\nContent-Length: ${PEEK_BYTES + 1}\r\n\r\nop=lock&`)
  await upstream.sawText('op=lock&')
  large.destroy()
  await closed(large)
  t.match(await proxy.logged(({ opUnknown }) => opUnknown === 'its form has more than 1 MiB'), { op: 'unknown', complete: false }, 'one that says that it is too large is not read at all')
})

t.test('no byte of a form is held back to read its op', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`POST /MAAS/api/2.0/machines/abc/ HTTP/1.1\r\nHost: localhost\r\n${MULTIPART}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  for (const piece of ['--b\r\nContent-Disposition: form-d', 'ata; name="op"\r\n\r\nrel', 'ease\r\n--', 'b--\r\n']) {
    socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
    await upstream.sawText(piece)
  }
  socket.write('0\r\n\r\n')
  upstream.sockets[0]?.end(OK)
  t.match(await proxy.logged(({ msg }) => msg === 'request'), { op: 'release', status: 200 })
})

t.test('a hint on the answer knows the op of a form', async t => {
  const body = 'Unrecognised signature: method=POST op=None'
  const upstream = await rawUpstream(t, (socket, head) => {
    socket.once('data', () => { socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`) })
    if (head.includes('op=')) socket.emit('data', Buffer.alloc(0))
  })
  const hints = await Promise.all([{}, { deny: ['POST machines/*?op=release'] }].map(async flags => {
    const proxy = await startTestProxy(t, testConfig(upstream.url, flags))
    return (await recordOf(proxy, post('machines/abc/', 'op=details', FORM)))['hint']
  }))
  t.match(hints[0], 'MAAS has op=details at this path with GET, not POST', 'there is one')
  t.equal(hints[0], hints[1], 'and it is the same, whether a rule needs the op or not')
})

/*
 * The property: what is observed of a request does not depend on the rules. A rule that names an op makes admission
 * read forms; where there is none, they are read as they stream by.
 */
t.test('the records of a request are the same under any rules that admit it', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const rules: Flags[] = [
    {},
    { deny: ['POST machines/*?op=lock', 'POST tags/*?op=rebuild', 'POST machines/?op=accept'] },
    { deny: ['POST machines/*?op=release'] },
    { allow: ['POST machines/**', 'POST tags/**'] },
    { allow: ['POST machines/*?op=deploy', 'POST machines/?op=', 'POST tags/'] },
    { deny: ['POST machines/*?op=deploy'], policyMode: ['warn'] }
  ]
  const proxies = await Promise.all(rules.map(async flags => await startTestProxy(t, testConfig(maas.url, flags, `${consumer}:${token}:${secret}`))))
  const next = createRandom(20261127)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  let admitted = 0
  for (let n = 0; n < 60; n++) {
    const path = pick(['machines/abc/', 'machines/', 'tags/', 'tags/none/', 'machines/abc/op-deploy', 'machines/abc/?op=', 'machines/abc/?op=release'])
    const fields = Array.from({ length: Math.floor(next() * 4) }, (): [string, string] => [pick(['op', 'x', 'y']), pick(['release', 'deploy', '', 'nothing', 'y'.repeat(pick([10, 3000]))])])
    const isMultipart = next() < 0.5
    const whole = isMultipart ? multipart(...fields) : new URLSearchParams(fields).toString()
    const body = next() < 0.1 ? whole.slice(0, -3) : whole
    const type = pick([isMultipart ? MULTIPART : FORM, isMultipart ? MULTIPART : FORM, 'Content-Type: text/plain', 'Content-Type: x-form'])
    const bytes = next() < 0.5 ? post(path, body, type) : postChunked(path, body, pick([1, 7, 1000]), type)
    const records = await Promise.all(proxies.map(async proxy => await recordOf(proxy, bytes)))
    const seen = records.filter(({ error }) => error === undefined)
      .map(record => Object.fromEntries(OBSERVED.map(name => [name, record[name]])))
    admitted += seen.length
    for (const record of seen) t.strictSame(record, seen[0], `${path} ${type} ${body.slice(0, 100)}`)
  }
  t.ok(admitted > 200, `most were admitted: ${admitted} of 360`)
})

/** A generator of numbers from 0 to 1 that is the same each time (mulberry32). */
function createRandom (seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
