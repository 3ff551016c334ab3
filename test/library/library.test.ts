import t from 'tap'
import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { request as requestTls } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { createSigner, maasAuthProxy, type MaasAuthProxyOptions, SettingsError } from '../../src/index.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { KEY } from '../helper/proxy.ts'
import { closed, exchange, get, jsonBody, OK, rawUpstream, readAll, request, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const API_KEY = `${KEY.consumer}:${KEY.token}:${KEY.secret}`
const MACHINES = '/MAAS/api/2.0/machines/'

interface Host {
  app: FastifyInstance
  port: number
  log: Array<Record<string, unknown>>
}

/** Somebody else's server, which the test's end closes, on a free port. */
async function startHost (
  t: { after: (close: () => unknown) => void },
  options: MaasAuthProxyOptions,
  { server = {}, before = () => {}, after = () => {} }: {
    server?: FastifyServerOptions
    before?: (app: FastifyInstance) => void
    after?: (app: FastifyInstance) => void
  } = {}
): Promise<Host> {
  const log: Host['log'] = []
  const stream = new Writable({ write (line, _encoding, done) { log.push(JSON.parse(String(line))); done() } })
  const app = fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true, ...server })
  t.after(async () => { await app.close() })
  before(app)
  await app.register(maasAuthProxy, options)
  after(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port, log }
}

const optionsFor = (maasUrl: string, options: MaasAuthProxyOptions = {}): MaasAuthProxyOptions =>
  ({ maasUrl, apiKey: API_KEY, ...options })

/** What stands against registering it with these options. */
async function problemsWith (
  options: object, server: FastifyServerOptions & { http2?: boolean } = {}, prefix?: string
): Promise<readonly string[]> {
  const app = fastify(server as FastifyServerOptions)
  try {
    await app.register(maasAuthProxy, { ...options, ...prefix === undefined ? {} : { prefix } } as MaasAuthProxyOptions)
    return []
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.problems
  } finally {
    await app.close()
  }
}

t.test('the plugin signs requests below /MAAS/ of a server with other routes', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const { app, port, log } = await startHost(t, { maasUrl: maas.url, apiKey: `${consumer}:${token}:${secret}` }, { before: app => { app.get('/', async () => 'my page') } })
  const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  t.equal(await (await at('/')).text(), 'my page')
  t.match(await (await at('/MAAS/api/2.0/users/?op=whoami')).json(), { username: 'admin' })
  t.match(await app.inject('/MAAS/api/2.0/users/?op=whoami'), { statusCode: 200, body: /"admin"/ }, 'by inject too, as tests do')
  t.match(await (await at('/MAAS/api/2.0/account/?op=list_authorisation_tokens')).json(), { error: { code: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED' } })
  t.match(await (await at('/-/live')).json(), { statusCode: 404 }, 'the pages of the program are not there')
  t.match(log.find(record => record['msg'] === 'request'), { method: 'GET', path: '/MAAS/api/2.0/users/', op: 'whoami', access: 'signed', status: 200, complete: true, reqId: /./ })
  t.notMatch(JSON.stringify(log), secret)
})

t.test('the options of the plugin are checked as settings', async t => {
  const dir = t.testdir({ tokens: 'alice alice-token-0001\n' })
  const good = { maasUrl: 'http://127.0.0.1:1/MAAS', apiKey: API_KEY }
  const rows: Array<[options: object, problems: Array<string | RegExp>, reason: string]> = [
    [{}, [/^MAAS_URL: not set/, /^MAAS_API_KEY: not set/], 'all that is missing'],
    [{ maasUrl: 'x', apiKey: 'HIDDEN:HIDDEN', allow: ['GET nope/'] }, [/^maasUrl: /, /^allow: "GET nope\/" means no operation/, /^apiKey: .*2 of 3 parts/], 'all that is wrong, by the names of the options, and no secret'],
    [{ ...good, readonly: true }, ['readonly: no such option; did you mean readOnly?'], 'a typing error'],
    [{ ...good, toString: 'x' }, [/^toString: no such option/], 'a name that every object has'],
    [{ ...good, listen: ['127.0.0.1:0'] }, [/^listen: no such option/], 'a setting of the program alone'],
    [{ ...good, readOnly: 'yes' }, ['readOnly: takes true or false'], 'a text for a switch'],
    [{ ...good, client: 'alice' }, ['client: takes a function that returns a name or null'], 'a name in place of a function'],
    [{ ...good, accessLog: 'no' }, ['accessLog: takes true or false'], 'the same for what is no setting'],
    [{ ...good, maasUrl: ['http://a/MAAS'] }, [/^maasUrl: takes a text$/, /^MAAS_URL: not set/], 'a list for one'],
    [{ ...good, allow: [1] }, ['allow: takes a text or a list of texts'], 'a list of something else'],
    [{ ...good, allow: [] }, [/^allow: is empty/], 'a list of rules that is empty does not mean no rules'],
    [{ ...good, connectTimeout: null }, ['connectTimeout: takes a text such as 10s, or milliseconds'], 'no time'],
    [{ ...good, connectTimeout: 0 }, [/^connectTimeout: "0ms" is not between/], 'a time that is none'],
    [{ ...good, readOnly: true, allow: 'POST tags/' }, [/^--read-only and --allow "POST tags\/": contradict/], 'a contradiction, in the words of the program'],
    [{ ...good, apiKeyFile: '/nowhere' }, [/^apiKey and apiKeyFile: both are set; keep one/], 'two keys'],
    [{ ...good, env: { MAAS_PROXY_REDONLY: 'true', MAAS_PROXY_LISTEN: ':0', NODE_TLS_REJECT_UNAUTHORIZED: '0' } }, [/^MAAS_PROXY_REDONLY: no such variable/, /^MAAS_PROXY_LISTEN: is a setting of the program/, /^NODE_TLS_REJECT_UNAUTHORIZED: is 0/], 'an environment that was given'],
    [{ ...good, readOnly: undefined, connectTimeout: 500, responseTimeout: '1m', logLevel: 'warn', clientTokenFile: `${dir}/tokens`, allowHost: ['a.example', 'b.example'] }, [/^clientTokenFile: .*every user of this machine may read it/], 'all the rest is fine']
  ]
  for (const [options, problems, reason] of rows) {
    const found = await problemsWith(options)
    t.match(found, problems, reason)
    t.equal(found.length, problems.length, reason)
    t.notMatch(found.join(), /HIDDEN|Marked/)
  }
  t.match(await problemsWith(good, {}, '/maas'), [/^prefix: is \/maas, but clients of MAAS put absolute paths/])
  t.match(await problemsWith(good, { http2: true }), [/^http2: the proxy speaks HTTP\/1\.1 only/])
  t.strictSame(await problemsWith(good, {}, ''), [])
})

t.test('the plugin reads the environment only if it is passed in', async t => {
  const upstream = await rawUpstream(t)
  const env = { MAAS_URL: upstream.url, MAAS_API_KEY: API_KEY, MAAS_PROXY_READ_ONLY: 'true' }
  for (const [name, value] of Object.entries(env)) {
    process.env[name] = value
    t.after(() => { delete process.env[name] })
  }
  t.match(await problemsWith({}), [/^MAAS_URL: not set/, /^MAAS_API_KEY: not set/])
  const { port } = await startHost(t, { env: { ...env, LISTEN_PID: String(process.pid), LISTEN_FDS: '1' } }) // sockets of systemd are the server's
  t.match(await exchange(port, get(MACHINES)), /^HTTP\/1.1 200 /)
  t.match(await exchange(port, request([`DELETE ${MACHINES} HTTP/1.1`, 'Host: localhost'])), /MAAS_PROXY_WRITE_REFUSED/)
  const open = await startHost(t, { env, readOnly: false })
  t.match(await exchange(open.port, request([`DELETE ${MACHINES} HTTP/1.1`, 'Host: localhost'])), /^HTTP\/1.1 200 /, 'an option beats it')

  const home = t.testdir()
  await makeStore(home, OWN, { lab: login({ url: `${upstream.url}/api/2.0/` }) })
  const lab = await startHost(t, { profile: 'lab', env: { HOME: home } })
  t.match(await exchange(lab.port, get(MACHINES)), /^HTTP\/1.1 200 /, 'a profile of the maas CLI')
  t.match(await problemsWith({ profile: 'lab' }), [/^profile: HOME is not set/])
})

t.test('the plugin leaves the rest of the server unchanged', async t => {
  const { app, port } = await startHost(t, optionsFor('http://127.0.0.1:1/MAAS'), {
    after: app => {
      app.post('/echo', async request => ({ body: request.body, exchange: 'exchange' in request }))
      app.get('/fails', async () => { throw new Error('mine') })
    }
  })
  const echo = await fetch(`http://127.0.0.1:${port}/echo`, { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: 'http://evil.example' }, body: '{"a":1}' })
  t.strictSame(await echo.json(), { body: { a: 1 }, exchange: false }, 'no guard, no parser, no decorator')
  t.match(await exchange(port, get('/fails')), /"message":"mine"/, 'no error handler')
  t.match(await exchange(port, get('/nowhere')), /Route GET:\/nowhere not found/, 'no page for what is not there')
  t.notOk(app.hasRequestDecorator('exchange') || app.hasDecorator('refuseNewRequests') || app.hasReplyDecorator('from'))
})

t.test('hooks of the server run before anything is sent, whenever they were added', async t => {
  const upstream = await rawUpstream(t)
  const forbidden = Object.assign(new Error('not you'), { statusCode: 403 })
  const rows: Array<[reason: string, hook: (app: FastifyInstance) => void, late: boolean]> = [
    ['onRequest, before it', app => app.addHook('onRequest', async () => { throw forbidden }), false],
    ['onRequest, after it', app => app.addHook('onRequest', async () => { throw forbidden }), true],
    ['preHandler, after it', app => app.addHook('preHandler', async () => { throw forbidden }), true]
  ]
  for (const [reason, hook, late] of rows) {
    const { port } = await startHost(t, optionsFor(upstream.url), { [late ? 'after' : 'before']: hook })
    const answer = await exchange(port, get(MACHINES))
    t.match(answer, /^HTTP\/1.1 403 [^]*"message":"not you"/, reason)
    t.notMatch(answer, /MAAS-Proxy-Error/, 'its own error, by its own handler')
  }
  const { port } = await startHost(t, optionsFor(upstream.url), { before: app => app.setErrorHandler((_error, _request, reply) => reply.code(418).send('teapot')), after: app => app.addHook('preHandler', async () => { throw forbidden }) })
  t.match(await exchange(port, get(MACHINES)), /^HTTP\/1.1 418 [^]*teapot/, 'by the one it has set')
  t.match(jsonBody(await exchange(port, get('/MAAS/a/../b'))), { error: { code: 'MAAS_PROXY_TARGET_MALFORMED' } }, 'which gets none of ours')
  t.equal(upstream.received(), '')
})

t.test('bodies stream through unparsed, whatever parsers and limits the server has', async t => {
  const upstream = await rawUpstream(t, () => {})
  const read: Array<string | undefined> = []
  const { port } = await startHost(t, optionsFor(upstream.url, { deny: ['POST machines/?op=allocate'] }), {
    server: { bodyLimit: 10 },
    before: app => {
      for (const type of ['application/json', 'application/x-www-form-urlencoded', /^multipart\//, '*']) {
        if (app.hasContentTypeParser(type)) app.removeContentTypeParser(type)
        app.addContentTypeParser(type, { parseAs: 'string' }, (_request, _body, done) => { done(new Error('parsed')) })
      }
      app.addHook('onRequest', async request => { read.push(request.mediaType) })
    }
  })
  const types = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'no type at all', 'text/']
  for (const [i, type] of types.entries()) {
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    const body = `{not=json, far too long ${i}`
    socket.write(`PUT ${MACHINES}x/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length + 4}\r\n\r\n${body}`)
    await upstream.sawText(new RegExp(`Content-Type: ${type.replace('/', '\\/')}\r\n[^]*\r\n\r\n${body}`))
    socket.write('rest')
    await upstream.sawText(`${body}rest`)
  }
  t.strictSame(read.slice(0, 3), ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'], 'a hook has had Fastify read the type')
  const form = (op: string) => request([`POST ${MACHINES} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${op.length + 3}`], `op=${op}`)
  t.match(await exchange(port, form('allocate')), /MAAS_PROXY_RULE_REFUSED/, 'a form that has to be looked at is')
  const socket = connect(port, '127.0.0.1')
  socket.write(form('accept'))
  await upstream.sawText('op=accept')
  socket.destroy()
})

t.test('a form that was read in part is forwarded whole, however long hooks take', async t => {
  const upstream = await rawUpstream(t, () => {})
  const turns = async () => { for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve)) }
  const { port } = await startHost(t, optionsFor(upstream.url, { policyMode: 'warn', deny: ['POST machines/?op=allocate'] }), { after: app => app.addHook('preHandler', turns) })
  const body = `op=x&a=${'x'.repeat(500_000)}&end`
  const socket = connect(port, '127.0.0.1')
  socket.write(request([`POST ${MACHINES} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`], body))
  await upstream.sawText('&end')
  socket.destroy()
  t.equal(upstream.received().split('\r\n\r\n')[1], body, 'nothing of it is lost between')
})

t.test('a request that the server has changed is refused', async t => {
  const upstream = await rawUpstream(t)
  const post = request([`POST ${MACHINES} HTTP/1.1`, 'Host: localhost', 'Content-Length: 4'], 'body')
  const form = post.replace('Content', 'Content-Type: application/x-www-form-urlencoded\r\nContent')
  const ignore = () => {}
  const rows: Array<[reason: string, Parameters<typeof startHost>[2], bytes: string]> = [
    ['a rewritten target', { server: { rewriteUrl: request => request.url === '/x' ? MACHINES : request.url as string } }, get('/x')],
    ['a body for which somebody waits', { before: app => app.addHook('onRequest', async request => { request.raw.on('readable', () => {}) }) }, post],
    ['a body that somebody will read', { before: app => app.addHook('onRequest', async request => { request.raw.pause().on('data', () => {}) }) }, post],
    ['a body that was read by somebody who has left', { before: app => app.addHook('onRequest', async request => { await once(request.raw.on('data', ignore), 'end').then(() => request.raw.off('data', ignore)) }) }, post],
    ['a form that is read before it can be looked at', { before: app => app.addHook('onRequest', async request => { await request.raw.toArray() }) }, form],
    ['a body that is read before', { before: app => app.addHook('onRequest', async request => { await request.raw.toArray() }) }, post],
    ['a body that is being read', { before: app => app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new Transform({ transform: (_chunk, _encoding, done) => { done(null, 'else') } }))) }, post],
    ['a body that has been read last', { after: app => app.addHook('preHandler', async request => { await request.raw.toArray() }) }, post],
    ['a body that is being read last', { after: app => app.addHook('preHandler', async request => { request.raw.on('data', () => {}) }) }, post]
  ]
  for (const [reason, hooks, bytes] of rows) {
    const { port } = await startHost(t, optionsFor(upstream.url, { deny: ['POST machines/?op=allocate'] }), hooks)
    const answer = await exchange(port, bytes)
    t.match(answer, /^HTTP\/1.1 500 [^]*MAAS_PROXY_REQUEST_ALTERED/, reason)
  }
  t.equal(upstream.received(), '')
  const { port } = await startHost(t, optionsFor(upstream.url), { server: { rewriteUrl: request => request.url as string }, before: app => app.addHook('preParsing', async (_request, _reply, payload) => payload) })
  t.match(await exchange(port, post), /^HTTP\/1.1 200 /, 'hooks that change nothing are fine')
  const reading = await startHost(t, optionsFor(upstream.url), { before: app => app.addHook('onRequest', async request => { await request.raw.toArray() }) })
  t.match(await exchange(reading.port, get(MACHINES)), /^HTTP\/1.1 200 /, 'and so is one that looks for a body where there is none')
})

t.test("the server's routing options do not change what is decided and sent", async t => {
  const upstream = await rawUpstream(t)
  const { port } = await startHost(t, optionsFor(upstream.url, { deny: ['GET tags/blue'] }), { server: { routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false } } })
  const rows: Array<[target: string, wanted: string | RegExp, reason: string]> = [
    ['/MAAS/api/2.0/tags', 'GET /MAAS/api/2.0/tags HTTP', 'a slash less'],
    ['/MAAS//api/2.0//tags/', 'GET /MAAS//api/2.0//tags/ HTTP', 'slashes more'],
    ['/%4dAAS/api/2.0/tags/a%2Fb/', 'GET /%4dAAS/api/2.0/tags/a%2Fb/ HTTP', 'escapes'],
    ['/MAAS//api/2.0/tags//%62lue', /MAAS_PROXY_RULE_REFUSED/, 'judged as MAAS reads it'],
    ['/MAAS//api//2.0///tags/blue', /MAAS_PROXY_RULE_REFUSED/, 'however many slashes there are, and wherever'],
    ['/maas/api/2.0/tags/', /MAAS_PROXY_PATH_UNSERVED/, 'another case is another path'],
    ['/MAAS/api/2.0/tags;x=/../', /MAAS_PROXY_TARGET_MALFORMED/, 'what Fastify cuts off is looked at'],
    ['/MAAS/../MAAS/api/2.0/tags/', /MAAS_PROXY_TARGET_MALFORMED/, 'dot segments'],
    ['/MAAS', /Route GET:\/MAAS not found|MAAS_PROXY_PATH_UNSERVED/, 'no more than what is below']
  ]
  for (const [target, wanted, reason] of rows) {
    const answer = await exchange(port, get(target))
    t.match(typeof wanted === 'string' ? upstream.received() : answer, wanted, reason)
  }
  t.notMatch(upstream.received(), /lue|maas\/|;|\.\.\//)
})

t.test('a header that Node shows only in part is refused', async t => {
  const upstream = await rawUpstream(t)
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `a${i}: 1`)
  for (const maxHeadersCount of [null, 50]) {
    const { app, port } = await startHost(t, optionsFor(upstream.url), {
      before: app => { app.server.maxHeadersCount = maxHeadersCount }
    })
    const max = app.server.maxHeadersCount ?? 1000
    const before = upstream.received()
    t.match(await exchange(port, get(MACHINES, ...lines(max), 'Origin: http://evil.example')), /^HTTP\/1.1 431 /, `beyond ${max} lines`)
    t.match(await exchange(port, get(MACHINES, ...lines(max - 2))), /^HTTP\/1.1 431 /, `${max} lines, which may be the first of more`)
    t.equal(upstream.received(), before)
    t.match(await exchange(port, get(MACHINES, ...lines(max - 3))), /^HTTP\/1.1 200 /, `${max - 1} lines`)
  }
  const { port } = await startHost(t, optionsFor(upstream.url), { before: app => { app.server.maxHeadersCount = 0 } })
  t.match(await exchange(port, get(MACHINES, ...lines(900))), /^HTTP\/1.1 200 /, 'where node shows all, our own limit counts')
})

t.test('a client that expects 100 Continue gets one', async t => {
  for (const own of [false, true]) {
    const upstream = await rawUpstream(t, () => {})
    const { port } = await startHost(t, optionsFor(upstream.url), { before: app => { if (own) app.server.on('checkContinue', (request, response) => { app.server.emit('request', request, response) }) } })
    const socket = connect(port, '127.0.0.1')
    const answer = readAll(socket)
    socket.write(`POST ${MACHINES} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`)
    await once(socket, 'data')
    socket.write('body')
    await upstream.sawText('body')
    upstream.sockets[0]?.end(OK)
    const text = await answer
    t.equal(text.match(/100 Continue/g)?.length, 1, own ? 'the server has a listener of its own' : 'node has answered')
    t.match(text, /\r\n\r\nok$/)
  }
})

t.test('a time limit of the server for its handlers ends no answer that has begun', async t => {
  const upstream = await rawUpstream(t, (socket, head) => {
    if (head.includes('never')) return
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl')
    setTimeout(() => { socket.end('ow') }, 400)
  })
  const { port, log } = await startHost(t, optionsFor(upstream.url), { server: { handlerTimeout: 200 } })
  t.match(await exchange(port, get(MACHINES)), /^HTTP\/1\.1 200 [^]*\r\n\r\nslow$/, 'it is whole')
  t.match(await exchange(port, get(`${MACHINES}never/`)), /^HTTP\/1\.1 503 /, 'before that, the server answers')
  await closed(upstream.sockets[1])
  t.match(log.findLast(({ msg }) => msg === 'request'), { path: `${MACHINES}never/`, status: 503 }, 'and MAAS is asked no more')
})

t.test('a client that disconnects cancels its waiting request', async t => {
  const upstream = await rawUpstream(t, () => {})
  const { port, log } = await startHost(t, optionsFor(upstream.url), { before: app => { app.get('/slow', async () => await new Promise(() => {})) } })
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\nGET ${MACHINES} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await upstream.sawText('\r\n\r\n')
  socket.destroy()
  await closed(upstream.sockets[0])
  t.match(log.find(record => record['msg'] === 'request'), { complete: false })
})

t.test('a user that a hook of the server has authenticated has a name in log and audit', async t => {
  const upstream = await rawUpstream(t)
  const tokens = join(t.testdir(), 'tokens')
  writeFileSync(tokens, 'alice alice-token-0001\n', { mode: 0o600 })
  const users = new WeakMap<object, unknown>()
  const before = (app: FastifyInstance) => {
    app.addHook('onRequest', async request => { users.set(request, request.headers['x-user'] === undefined ? null : JSON.parse(String(request.headers['x-user']))) })
  }
  const client: MaasAuthProxyOptions['client'] = request => users.get(request) as string | null
  const open = await startHost(t, optionsFor(upstream.url, { client }), { before })
  const asking = await startHost(t, optionsFor(upstream.url, { client, clientTokenFile: tokens }), { before })
  const token = 'MAAS-Proxy-Token: alice-token-0001'
  const rows: Array<[host: Host, fields: string[], status: string, name: string | undefined, reason: string]> = [
    [open, ['X-User: "carol"'], '200', 'carol', 'a user'],
    [open, [], '200', undefined, 'nobody, where none is asked for'],
    [open, ['X-User: "c\\u001b[31m"'], '200', 'c?[31m', 'without the control sequences of terminals'],
    [open, [`X-User: "${'c'.repeat(300)}"`], '200', 'c'.repeat(256), 'cut where it is too long'],
    [asking, ['X-User: "carol"'], '200', 'carol', 'a user needs no token'],
    [asking, ['X-User: "carol"', token], '200', 'carol', 'and has its own name beside one'],
    [asking, [token], '200', 'alice', 'a token, where there is no user'],
    [asking, [], '401', undefined, 'neither'],
    [open, ['X-User: ""'], '500', undefined, 'an empty name'],
    [open, ['X-User: 1'], '500', undefined, 'something that is no name'],
    [open, ['X-User: {"then": 1}'], '500', undefined, 'nor this']
  ]
  for (const [host, fields, status, name, reason] of rows) {
    const [sent, logged] = [upstream.sockets.length, host.log.length]
    const answer = await exchange(host.port, get(MACHINES, ...fields).replace('GET', 'DELETE'))
    t.equal(answer.slice(9, 12), status, reason)
    t.equal(upstream.sockets.length - sent, status === '200' ? 1 : 0, `${reason}: goes to MAAS or not`)
    const records = host.log.slice(logged).filter(({ msg }) => msg === 'request' || msg === 'audit')
    t.strictSame(records.map(({ msg, client }) => [msg, client]), status === '200' ? [['request', name], ['audit', name]] : [['request', name]], `${reason}: in log and audit`)
  }
  writeFileSync(tokens, 'alice alice-token-0001 deny="DELETE **"\n', { mode: 0o600 })
  const ruled = await startHost(t, optionsFor(upstream.url, { client, clientTokenFile: tokens }), { before })
  for (const [fields, status, reason] of [
    [['X-User: "alice"'], '403', 'a user has the rules of the client of that name'],
    [['X-User: "carol"'], '200', 'others have those of the plugin']
  ] as const) t.equal((await exchange(ruled.port, get(`${MACHINES}a/`, ...fields).replace('GET', 'DELETE'))).slice(9, 12), status, reason)
  const promising = await startHost(t, optionsFor(upstream.url, { client: (async () => 'carol') as unknown as NonNullable<MaasAuthProxyOptions['client']> }))
  t.match(await exchange(promising.port, get(MACHINES)), /^HTTP\/1\.1 500 [^]*returned a Promise; it returns a name or null/, 'a name that comes later comes too late')
})

t.test('Host and Origin are guarded as on loopback, unless they are allowed', async t => {
  const upstream = await rawUpstream(t)
  const tokens = join(t.testdir(), 'tokens')
  writeFileSync(tokens, 'alice alice-token-0001\n', { mode: 0o600 })
  const closedHost = await startHost(t, optionsFor(upstream.url, { clientTokenFile: tokens, accessLog: false }))
  const asked = async ({ port }: Host, host: string, ...fields: string[]) => (await exchange(port, get(MACHINES, ...fields).replace('localhost', host))).slice(9, 12)
  const token = 'MAAS-Proxy-Token: alice-token-0001'
  t.equal(await asked(closedHost, 'localhost:80', token), '200')
  t.notOk(closedHost.log.some(record => ['request', 'audit'].includes(String(record['msg']))), 'a read leaves no record where none is wanted')
  t.match(await exchange(closedHost.port, get(MACHINES, token).replace('GET', 'DELETE')), /^HTTP\/1\.1 200 /)
  t.match(closedHost.log.find(record => record['msg'] === 'audit'), { client: 'alice', method: 'DELETE', resource: 'machines/', status: 200 }, 'a write does')
  t.equal(await asked(closedHost, 'localhost'), '401')
  t.equal(await asked(closedHost, 'app.example', token), '403')
  t.equal(await asked(closedHost, 'localhost', token, 'Origin: http://evil.example'), '403')
  t.equal(await asked(closedHost, 'localhost', token, 'Origin: http://localhost'), '200', 'pages of the server itself')
  t.equal(await asked(closedHost, 'localhost', token, 'Origin: https://localhost'), '403', 'of another scheme')
  t.notOk(closedHost.log.some(record => record['msg'] === 'request'), 'and without a record where none is wanted')
  const openHost = await startHost(t, optionsFor(upstream.url, { allowHost: 'app.example', allowOrigin: ['https://page.example'] }))
  t.equal(await asked(openHost, 'app.example'), '200')
  t.equal(await asked(openHost, 'app.example', 'Origin: https://page.example'), '200')
})

t.test('a server with TLS has an origin with TLS', async t => {
  const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ${upstream.url}/x\r\n\r\n`))
  const { ca, cert, key } = await makeCertificates()
  const app = fastify({ https: { cert, key } })
  t.after(() => app.close())
  await app.register(maasAuthProxy, optionsFor(upstream.url))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const origin = `https://127.0.0.1:${port}`
  const [answer] = await once(requestTls(`${origin}${MACHINES}`, { ca, agent: false, headers: { Origin: origin } }).end(), 'response')
  answer.resume()
  t.equal(answer.statusCode, 302, 'its own pages are no foreign ones')
  t.equal(answer.headers.location, `${origin}/MAAS/x`)
})

t.test('the plugin warns if other machines can reach the server without authentication', async t => {
  const rows: Array<[reason: string, listen: { port?: number, host?: string, path?: string }, warned: boolean]> = [
    ['everywhere', { port: 0, host: '0.0.0.0' }, true],
    ['loopback', { port: 0, host: '127.0.0.1' }, false],
    ['a unix socket', { path: join(socketDir(t), 's') }, false]
  ]
  for (const [reason, listen, warned] of rows) {
    const log: string[] = []
    const app = fastify({
      logger: { stream: new Writable({ write (line, _encoding, done) { log.push(String(line)); done() } }) }
    })
    t.after(() => app.close())
    await app.register(maasAuthProxy, optionsFor('http://maas.example:5240/MAAS'))
    await app.listen(listen)
    t.equal(log.some(line => /can be reached from other machines: unless hooks/.test(line)), warned, reason)
    t.ok(log.some(line => /in the clear with every request/.test(line)), 'and of what the program warns of')
  }
})

t.test('running requests finish when the server closes; then the connections to MAAS close', async t => {
  let answering: Socket | undefined
  const upstream = await rawUpstream(t, socket => {
    answering = socket
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
  })
  const { app, port } = await startHost(t, optionsFor(upstream.url), { server: { forceCloseConnections: false } })
  const socket = connect(port, '127.0.0.1')
  const answer = readAll(socket)
  socket.write(get(MACHINES))
  await once(socket, 'data')
  const closing = app.close()
  await new Promise(resolve => setImmediate(resolve))
  answering?.write('whole')
  t.match(await answer, /\r\n\r\nwhole$/)
  await closing
  await closed(upstream.sockets[0])
})

t.test('a key file is watched until the server closes', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const file = join(t.testdir(), 'key')
  const put = ({ consumer, token, secret }: typeof maas.admin) => {
    writeFileSync(`${file}.new`, `${consumer}:${token}:${secret}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  put(maas.admin)
  const [first, second] = [
    await startHost(t, { maasUrl: maas.url, apiKeyFile: file }),
    await startHost(t, { maasUrl: maas.url, apiKeyFile: file })
  ]
  const whoami = async ({ port }: Host) => (await (await fetch(`http://127.0.0.1:${port}/MAAS/api/2.0/users/?op=whoami`)).json() as { username: string }).username
  t.equal(await whoami(first), 'admin')
  await first.app.close()
  put(maas.user)
  await until('the key has been replaced', async () => await whoami(second) !== 'admin')
  t.equal(await whoami(second), 'user')
  t.notOk(first.log.some(record => /has been replaced/.test(String(record['msg']))))
  t.ok(second.log.some(record => /has been replaced/.test(String(record['msg']))))
})

t.test('createSigner makes a valid signature at each call', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const sign = createSigner(`${consumer}:${token}:${secret}`)
  const ask = async (authorization: string) => (await fetch(`${maas.url}/api/2.0/users/?op=whoami`, { headers: { Authorization: authorization } })).status
  const value = sign()
  t.equal(await ask(value), 200)
  t.equal(await ask(value), 401, 'a value that was seen')
  t.equal(await ask(sign()), 200)
  t.match(createSigner('a:b:c', { now: () => 42 })(), /oauth_timestamp="42"/)
  t.throws(() => createSigner('HIDDEN'), { name: 'SettingsError', message: /^createSigner: not an API key .*found 1 of 3 parts/ })
})
