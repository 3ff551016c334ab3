import t from 'tap'
import { chmodSync, readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { createLogger } from '../../src/observe/log/logger.ts'
import { createDebugToggle } from '../../src/observe/log/debug-switch.ts'
import { asMaasTraceId, traceIdOf } from '../../src/observe/traces/trace-ids.ts'
import { ask } from '../helper/maas-client.ts'
import { startProgram } from '../helper/process.ts'
import { KEY, type LogRecord, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, headLines, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`
const of = (log: LogRecord[], msg: string) => log.filter(record => record['msg'] === msg)

t.test('every write that was sent to MAAS has a record of its own, whatever came of it', async t => {
  const answers = ['200 OK', '403 Forbidden', '409 Conflict']
  const upstream = await rawUpstream(t, socket => {
    const status = answers.shift()
    if (status === undefined) socket.destroy()
    else socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  })
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\nbob fedcba9876543210\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [`${dir}/tokens`], deny: ['DELETE **'], listen: ['127.0.0.1:0', '127.0.0.1:0'] }))
  const second = Number(new URL(proxy.addresses[1] ?? '').port)
  const send = async (port: number, token: string, method: string, path: string) => await ask(port, { method, path: `/MAAS/api/2.0/${path}`, headers: [['MAAS-Proxy-Token', token]], ...method === 'GET' ? {} : { body: 'secret=HIDDEN' } })
  const [alice, bob] = ['0123456789abcdef', 'fedcba9876543210']
  await send(proxy.port, alice, 'POST', 'machines/abc123/?op=power_on&comment=HIDDEN')
  await send(second, bob, 'PUT', 'machines/abc123/')
  await send(proxy.port, alice, 'POST', 'made-up/?op=x%1b')
  await send(proxy.port, bob, 'POST', 'tags/')
  await send(proxy.port, alice, 'DELETE', 'machines/abc123/')
  answers.push('200 OK')
  await send(proxy.port, alice, 'GET', 'machines/')
  await until('each of the six requests has its record', () => of(proxy.log, 'request').length === 6)

  const audit = of(proxy.log, 'audit')
  const plain = { level: 30, access: 'signed' }
  t.match(audit, [
    { ...plain, client: 'alice', listener: proxy.address, method: 'POST', op: 'power_on', resource: 'machines/{system_id}/', systemId: 'abc123', path: '/MAAS/api/2.0/machines/abc123/', status: 200 },
    { ...plain, client: 'bob', listener: proxy.addresses[1], method: 'PUT', op: undefined, systemId: 'abc123', status: 403 },
    { ...plain, client: 'alice', method: 'POST', op: 'x?', resource: undefined, systemId: undefined, path: '/MAAS/api/2.0/made-up/', status: 409 },
    { ...plain, client: 'bob', method: 'POST', resource: 'tags/', systemId: undefined, status: 502, error: 'MAAS_PROXY_UPSTREAM_CLOSED' }
  ])
  t.equal(audit.length, 4, 'not what was refused here, and no reading')
  for (const { id } of audit) t.equal(of(proxy.log, 'request').filter(record => record['id'] === id).length, 1, 'and its other record has the same id')
  t.notMatch(JSON.stringify(proxy.log), /HIDDEN|TokenSecretMarked/)

  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').split('\n### Log records\n')[1]?.split('\n## ')[0] ?? ''
  const [, ofRequest = '', ofAudit = ''] = readme.split(/`"msg":"(?:request|audit)"`/)
  for (const [text, msg] of [[ofRequest, 'request'], [ofAudit, 'audit']] as const) {
    const fields = new Set(of(proxy.log, msg).flatMap(Object.keys))
    for (const field of ['level', 'time', 'msg']) fields.delete(field)
    for (const field of fields) t.ok(text.includes(`\`${field}\``), `README tells of ${field} in ${msg}`)
  }
})

t.test('trace ids pass both ways and are logged', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nMAAS-trace-id: 9f2c4a5b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const fields = [`traceparent: ${PARENT}`, 'TraceState: a=1,b=2', 'MAAS-trace-id: mine']
  const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/', ...fields))
  t.strictSame(headLines(upstream.received()).filter(line => /trace/i.test(line)), fields, 'byte for byte')
  t.ok(headLines(answer).includes('MAAS-trace-id: 9f2c4a5b'))
  t.match(await proxy.logged(record => record['msg'] === 'request'), { traceId: TRACE, maasTraceId: '9f2c4a5b' })
})

t.test('invalid trace ids are not logged', async t => {
  const rows: Array<[traceparent: string | undefined, wanted: string | undefined, reason: string]> = [
    [PARENT, TRACE, 'as the specification has it'],
    [`cc-${TRACE}-b7ad6b7169203331-01-what-else`, TRACE, 'a later version may say more'],
    [`00-${TRACE}-b7ad6b7169203331-01-more`, undefined, 'this one may not'],
    [`ff-${TRACE}-b7ad6b7169203331-01`, undefined, 'the version that is none'],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined, 'the trace that is none'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, undefined, 'the parent that is none'],
    [PARENT.toUpperCase(), undefined, 'capital letters'],
    [`${PARENT}, ${PARENT}`, undefined, 'two of them'],
    [`${PARENT} `, undefined, 'a byte too many'],
    ['HIDDEN', undefined, 'anything'],
    [undefined, undefined, 'none']
  ]
  for (const [traceparent, wanted, reason] of rows) {
    t.equal(traceIdOf({ headers: { traceparent } } as unknown as IncomingMessage), wanted, reason)
  }
  const texts: Array<[text: string | null, wanted: string | undefined, reason: string]> = [
    [TRACE, TRACE, 'as MAAS makes them'],
    ['2a5c6b1e-6a5e-4b0e-8f5e-1d2c3b4a5f60', '2a5c6b1e-6a5e-4b0e-8f5e-1d2c3b4a5f60', 'a UUID'],
    ['x'.repeat(129), undefined, 'too long'],
    ['a b', undefined, 'a space'],
    ['\x1b[31m', undefined, 'what a terminal acts on'],
    ['', undefined, 'empty'],
    [null, undefined, 'none']
  ]
  for (const [text, wanted, reason] of texts) t.equal(asMaasTraceId(text), wanted, reason)
})

t.test('level debug logs timings and connections', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/?comment=HIDDEN', 'X-Field: HIDDEN'))
  const timing = await proxy.logged(record => record['msg'] === 'timing')
  t.match(timing, { level: 20, beforeMs: Number, upstreamMs: Number, answerMs: Number })
  t.match(await proxy.logged(record => record['msg'] === 'a client has connected'), { level: 20, listener: proxy.address, from: /^127\.0\.0\.1:\d+$/ })
  t.match(await proxy.logged(record => record['msg'] === 'a client has gone'), { bytesRead: Number, bytesWritten: Number })
  t.match(await proxy.logged(record => record['msg'] === 'connected to MAAS'), { open: 1 })
  t.match(await proxy.logged(record => record['msg'] === 'a connection to MAAS has ended'), { open: 0, code: /^UND_ERR/ })
  const down = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS'))
  await exchange(down.port, get('/MAAS/api/2.0/machines/'))
  t.match(await down.logged(record => record['msg'] === 'could not connect to MAAS'), { code: 'ECONNREFUSED' })
  t.match(await down.logged(record => record['msg'] === 'timing'), { upstreamMs: undefined, answerMs: undefined })
  const text = JSON.stringify([proxy.log.filter(record => record['level'] === 20), down.log])
  t.notMatch(text, /HIDDEN/)
  for (const part of Object.values(KEY)) t.notMatch(text, part)
})

t.test('SIGUSR2 raises the level, a second one puts it back', async t => {
  const upstream = await rawUpstream(t)
  const program = startProgram(t, ['--listen', '127.0.0.1:0', '--log-level', 'info'], { MAAS_URL: upstream.url, MAAS_API_KEY: Object.values(KEY).join(':') })
  await program.printed('listening')
  const port = Number(/127\.0\.0\.1:(\d+)","upstream/.exec(program.stdout())?.[1])
  await exchange(port, get('/MAAS/api/2.0/machines/'))
  t.notMatch(program.stdout(), /"timing"/)
  program.child.kill('SIGUSR2')
  await program.printed('the log level has been raised')
  await exchange(port, get('/MAAS/api/2.0/machines/'))
  await program.printed('"timing"')
  program.child.kill('SIGUSR2')
  await program.printed('the log level is back')
  const before = program.stdout().length
  await exchange(port, get('/MAAS/api/2.0/machines/'))
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.notMatch(program.stdout().slice(before), /"level":20/)
})

t.test('the log level returns by itself, and is not lowered', async t => {
  const lines: LogRecord[] = []
  const stream = { write: (text: Buffer) => { for (const line of String(text).trim().split('\n')) lines.push(JSON.parse(line)) } } as unknown as Writable
  const quiet = createLogger('warn', 'json', stream)
  createDebugToggle(quiet, 1)()
  t.match(lines, [{ level: 30, msg: /has been raised/ }], 'it is told of even where info is not')
  await until('the level is back', () => quiet.level === 'warn')
  t.match(lines[1], { msg: 'the log level is back', to: 'warn' })
  const loud = createLogger('trace', 'json', stream)
  createDebugToggle(loud)()
  t.equal(loud.level, 'trace')
  t.match(lines[2], { msg: /already/ })
})
