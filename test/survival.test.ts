import t from 'tap'
import { fastify } from 'fastify'
import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { maasAuthProxy } from '../src/index.ts'
import { createLogger } from '../src/observe/log/logger.ts'
import { startProxy } from '../src/proxy/start.ts'
import { ask } from './helper/maas-client.ts'
import { EXACT, startCommand, startProgram } from './helper/process.ts'
import { KEY, testConfig } from './helper/proxy.ts'
import { exchange, get, keptUpstream, OK, rawUpstream, readAll } from './helper/sockets.ts'
import { until } from './helper/until.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ENV = (url: string) => ({ MAAS_URL: url, MAAS_API_KEY: Object.values(KEY).join(':') })
const portOf = (log: string) => Number(/127\.0\.0\.1:(\d+)","upstream/.exec(log)?.[1])

/** Code for the process of the program: throws when SIGUSR1 comes, where nobody can catch it. */
const preload = (code: string) => ({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(`process.on('SIGUSR1', () => { ${code} })`)}` })

t.test('an error that nobody caught ends the process in order: logged, running requests answered, exit 1', async t => {
  const rows: Array<[code: string, message: RegExp, reason: string]> = [
    ["setImmediate(() => { throw new Error('boom') })", /^boom$/, 'thrown in a callback'],
    ["void Promise.reject(new Error('boom'))", /^boom$/, 'a promise that nobody awaits'],
    ['setImmediate(() => { throw null })', /^no Error was thrown, but null$/, 'null, which has no stack'],
    ["setImmediate(() => { throw 'a text' })", /^no Error was thrown, but 'a text'$/, 'a text']
  ]
  for (const [code, message, reason] of rows) {
    const upstream = await keptUpstream(t, () => {})
    const program = startProgram(t, ['--listen', '127.0.0.1:0'], { ...ENV(`http://127.0.0.1:${upstream.port}/MAAS`), ...preload(code), ...EXACT })
    await program.printed('"listening"')
    const port = portOf(program.stdout())
    const client = connect(port, '127.0.0.1')
    client.write(get('/MAAS/api/2.0/machines/'))
    const waiting = upstream.sockets.length
    await t.resolves(until('MAAS has the request', () => upstream.requests.some(request => request.includes('machines/'))), `${reason}: a request runs`)
    program.child.kill('SIGUSR1')
    await program.printed('an error that nobody caught')
    for (const socket of upstream.sockets.slice(waiting)) socket.write(OK)
    t.match(await readAll(client), /^HTTP\/1\.1 200 /, `${reason}: it is answered all the same`)
    t.equal(await program.ended, 1, `${reason}: a supervisor starts it again`)
    const fatal = JSON.parse(program.stdout().split('\n').find(line => line.includes('nobody caught')) ?? '{}')
    t.match(fatal, { level: 60, cause: { name: 'Error', message }, stack: /^Error: .*\n +at / }, reason)
    t.match(program.stdout(), /"code":1,"msg":"stopped"}\n$/, 'and its last record is that it stopped')
    t.equal(program.stderr(), '', 'no stack outside the log')
  }
})

t.test('the files of the package may go while the proxy runs', async t => {
  const tree = resolve(t.testdir({}), 'tree')
  mkdirSync(tree)
  for (const name of ['package.json', 'config', 'src']) cpSync(resolve(ROOT, name), resolve(tree, name), { recursive: true })
  symlinkSync(resolve(ROOT, 'node_modules'), resolve(tree, 'node_modules'))
  const upstream = await rawUpstream(t)
  const program = startCommand(t, [process.execPath, resolve(tree, 'src/main.ts'), '--listen', '127.0.0.1:0'], ENV(upstream.url))
  await program.printed('"listening"')
  renameSync(resolve(tree, 'config'), resolve(tree, 'gone'))
  const port = portOf(program.stdout())
  t.match(await exchange(port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /, 'what it needs was read at the start')
  t.match(await exchange(port, get('/-/metrics')), /requests_total\{method="GET",resource="machines\/"/, 'the operations too')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
})

t.test('an observer that throws costs its record and nothing else', async t => {
  const upstream = await rawUpstream(t)
  const errors: string[] = []
  const logger = { level: 'info', fatal () {}, warn () {}, debug () {}, trace () {}, silent () {}, child () { return logger }, info, error }
  let thrown: Error | null = new Error('the disk is full')
  let isFull = false
  let failures = 0
  function info (_fields: unknown, message: string) { if (message === 'request') throw thrown }
  function error (fields: { cause: { message: string } }, message: string) {
    if (isFull && ++failures > 0) throw thrown
    errors.push(`${message}: ${fields.cause.message}`)
  }
  const app = fastify({ loggerInstance: logger as never })
  t.after(() => app.close())
  await app.register(maasAuthProxy, { maasUrl: upstream.url, apiKey: Object.values(KEY).join(':') })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  for (let i = 1; i <= 2; i++) {
    t.equal((await ask(port, { path: '/MAAS/api/2.0/machines/' })).status, 200, `request ${i} is answered`)
    await until('the error is logged', () => errors.length === i)
  }
  t.match(errors, [/^an observer failed: .*: the disk is full$/, /^an observer failed/], 'and it is said what is missing')
  thrown = null
  await ask(port, { path: '/MAAS/api/2.0/machines/' })
  await until('it is logged', () => errors.length === 3)
  t.match(errors[2], /but null$/, 'whatever is thrown')
  isFull = true
  t.equal((await ask(port, { path: '/MAAS/api/2.0/machines/' })).status, 200)
  await until('the log fails twice', () => failures === 1)
  t.equal((await ask(port, { path: '/MAAS/api/2.0/machines/' })).status, 200, 'also where the log of the failure fails')
})

t.test('a throwing observer is counted in the metrics of the program', async t => {
  const upstream = await rawUpstream(t)
  let log = ''
  const stream = {
    write (text: string) {
      if (text.includes('"msg":"request"')) throw new Error('the disk is full')
      log += text
    }
  } as unknown as Writable
  const proxy = await startProxy(await testConfig(upstream.url), createLogger('info', 'json', stream))
  t.after(() => proxy.stop())
  const port = Number(new URL(proxy.addresses[0] ?? '').port)
  t.match(await exchange(port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /)
  await until('the failure is logged', () => log.includes('an observer failed'))
  const metrics = await fetch(`${proxy.addresses[0]}/-/metrics`)
  t.match(await metrics.text(), /^maas_auth_proxy_observer_failures_total 1$/m)
})
