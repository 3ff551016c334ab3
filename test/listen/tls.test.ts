import t from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect as connectPlain, createServer as createTcpServer, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, type ConnectionOptions, TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { limitConnections } from '../../src/listen/connection-limit.ts'
import { openConnections, trackConnections, waitUntilIdle } from '../../src/listen/listener.ts'
import { secureServer } from '../../src/listen/secure-server.ts'
import { loadConfig, loadPolicies } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { runHere, startProgram } from '../helper/process.ts'
import { type LogRecord, startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { closed, exchange, freePort, get, jsonBody, keptUpstream, listenOn, rawUpstream, readAll, request, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MACHINES = '/MAAS/api/2.0/machines/'
const FAILED = 'a client and the proxy could not agree on a TLS connection'
const first = await makeCertificates()
const second = await makeCertificates({ issuer: 'Second CA' })
const over = await makeCertificates({ days: -1 })
const early = await makeCertificates({ begins: 1, days: 2 })
const weak = await makeCertificates({ isWeak: true })

/** Writes a pair of files, and returns the settings that name them. */
function pair (t: { after: (close: () => unknown) => void }, { cert, key } = first) {
  const dir = socketDir(t)
  writeFileSync(`${dir}/cert`, cert)
  writeFileSync(`${dir}/key`, key, { mode: 0o600 })
  return { tlsCertFile: [`${dir}/cert`], tlsKeyFile: [`${dir}/key`] } satisfies Record<string, [string]>
}

/** Opens a connection with TLS, which ends when the proxy ends it. */
async function secured (port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: first.ca, allowHalfOpen: true, ...options } as ConnectionOptions)
  socket.once('end', () => { socket.end() })
  await once(socket, 'secureConnect')
  return socket
}

/** Sends bytes on a connection with TLS and collects what comes back until its end. */
async function securely (port: number, bytes: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await secured(port, options)
  socket.write(bytes, 'latin1')
  return await readAll(socket)
}

/** Asks as programs do. */
async function ask (port: number, options: RequestOptions = {}, body?: Buffer) {
  const client = httpsRequest({ port, host: '127.0.0.1', path: MACHINES, ca: first.ca, servername: '', ...options })
  client.end(body)
  const [response] = await once(client, 'response')
  const text = (await response.toArray()).join('')
  return { status: response.statusCode as number, text, headers: response.headers }
}

async function handshakeFailed (proxy: TestProxy, count: number): Promise<LogRecord> {
  const records = () => proxy.log.filter(({ msg }) => msg === FAILED)
  await until(`${count} handshakes have failed`, () => records().length >= count)
  return records()[count - 1] as LogRecord
}

/** The types of the records of TLS 1.2 (RFC 5246 §6.2.1), of which the last one of an orderly end is an alert. */
function recordTypes (bytes: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at] as number)
  return types
}

t.test('an answer that is cut off ends without the close of TLS, by which the client knows', async t => {
  const PART = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'
  const upstream = await rawUpstream(t, PART)
  const proxy = await startTestProxy(t, testConfig(upstream.url, pair(t)))
  const ALERT = 21
  const DATA = 23
  const rows: Array<[version: string, end: (maas: Socket | undefined) => unknown, last: number, reason: string]> = [
    ['1.1', maas => maas?.end('0\r\n\r\n'), ALERT, 'a whole answer'],
    ['1.0', maas => maas?.end('0\r\n\r\n'), ALERT, 'a whole answer to HTTP/1.0'],
    ['1.1', maas => maas?.destroy(), DATA, 'a part of one'],
    ['1.0', maas => maas?.destroy(), DATA, 'a part of one that ends with the connection']
  ]
  for (const [version, end, last, reason] of rows) {
    const pieces: Buffer[] = []
    const wire = await listenOn(t, createTcpServer(client => {
      const toProxy = connectPlain(proxy.port, '127.0.0.1')
      toProxy.on('data', piece => { pieces.push(piece) }).pipe(client)
      client.on('error', () => {}).pipe(toProxy)
    }))
    const socket = await secured(wire, { maxVersion: 'TLSv1.2' })
    socket.write(`GET ${MACHINES} HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await once(socket, 'data')
    end(upstream.sockets.at(-1))
    await closed(socket.resume())
    t.equal(recordTypes(Buffer.concat(pieces)).at(-1), last, reason)
  }
  t.equal((await ask(proxy.port, { path: '/-/live' })).status, 200, 'the proxy lives on')
})

t.test('a pipelined write behind an answer that ends the connection is not sent', async t => {
  const waiting: Socket[] = []
  const upstream = await keptUpstream(t, (socket, head) => {
    if (!head.includes('/zones/')) socket.end('HTTP/1.1 200 OK\r\n\r\nall')
    else if (waiting.push(socket) === 2) for (const one of waiting) one.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, pair(t)))
  await Promise.all([1, 2].map(async () => await ask(proxy.port, { path: '/MAAS/api/2.0/zones/' }))) // two connections
  const line = (method: string) => `${method} ${MACHINES} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n`
  t.match(await securely(proxy.port, line('GET') + line('PUT')), /\r\n\r\nall$/, 'its end is that of the connection')
  await until('both have a record', () => proxy.log.filter(({ msg }) => msg === 'request').length === 4)
  t.notMatch(upstream.requests.join(''), /PUT/)
})

t.test('what works by http works by https', async t => {
  const upstream = await rawUpstream(t, (socket, head) => {
    const body = head.startsWith('GET') ? `{"url":"${upstream.url}/x"}` : 'ok'
    socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url, pair(t)))
  t.match(proxy.address, /^https:\/\/127\.0\.0\.1:\d+$/, 'its address says so')
  t.match(proxy.log.find(({ msg }) => msg === 'listening'), { address: proxy.address }, 'in the log too')

  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => { agent.destroy() })
  for (const status of [200, 200]) t.equal((await ask(proxy.port, { agent })).status, status, 'on one connection')
  t.equal(proxy.log.filter(({ msg }) => msg === 'a client has connected').length, 1)
  t.equal((await ask(proxy.port, { path: '/MAAS/api/2.0/describe/' })).text, `{"url":"${proxy.address}/MAAS/x"}`, 'links lead back by https')

  const rows: Array<[fields: Record<string, string>, wanted: number, reason: string]> = [
    [{ Origin: proxy.address }, 200, 'a page of the proxy'],
    [{ Origin: proxy.address.replace('https', 'http') }, 403, 'a page of http is another origin'],
    [{ Origin: 'https://evil.example' }, 403, 'a foreign page'],
    [{ Host: 'evil.example' }, 403, 'DNS rebinding']
  ]
  for (const [headers, wanted, reason] of rows) t.equal((await ask(proxy.port, { headers })).status, wanted, reason)

  const two = `GET /-/live HTTP/1.1\r\nHost: localhost\r\n\r\n${get('/-/live')}`
  t.equal((await securely(proxy.port, two)).split('HTTP/1.1 200 OK').length, 3, 'pipelining')
  const upload = Buffer.alloc(3_000_000, 'x')
  t.equal((await ask(proxy.port, { method: 'POST' }, upload)).status, 200, 'an upload')
  t.match(await securely(proxy.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*MAAS_PROXY_REQUEST_MALFORMED/s, 'an error of the parser')
  const refused = request(['POST /nowhere HTTP/1.1', 'Host: localhost', 'Content-Length: 300000'], 'x'.repeat(300_000))
  t.match(await securely(proxy.port, refused), /MAAS_PROXY_PATH_UNSERVED/, 'an early answer arrives, though the body is not read')

  const half = await secured(proxy.port)
  half.end(`GET ${MACHINES} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  t.match(await readAll(half), /^HTTP\/1\.1 200 OK/, 'a client that closes its half gets its answer')

  const pages = await ask(proxy.port, { path: '/' })
  t.match(pages.text, `curl --cacert CA.pem '${proxy.address}/MAAS/api/2.0/version/'`, 'lines to copy')
  const remedies: Array<[options: RequestOptions, wanted: RegExp, reason: string]> = [
    [{ headers: { Host: 'evil.example' } }, /use https:\/\/localhost:PORT/, 'another name'],
    [{ path: '/api/2.0/machines/' }, /use https:\/\/HOST:PORT\/MAAS\/api\/2\.0\//, 'another path'],
    [{ path: '/MAAS/' }, /tools use https:\/\/HOST:PORT\/MAAS/, 'the web UI']
  ]
  for (const [options, wanted, reason] of remedies) t.match(JSON.parse((await ask(proxy.port, options)).text).error.remedy, wanted, `the address in a remedy is that of https: ${reason}`)
  t.match(await securely(proxy.port, 'CONNECT maas:5240 HTTP/1.1\r\nHost: maas:5240\r\n\r\n'), /https:\/\/HOST:PORT\/MAAS/, 'before routing too')
  const [facts] = await proxy.facts()
  t.equal(facts?.address, proxy.address, 'the overview')
  const { text: metrics } = await ask(proxy.port, { path: '/-/metrics' })
  const end = Number(/^maas_auth_proxy_certificate_expires_timestamp_seconds\{listener="https:[^"]*"\} (\d+)$/m.exec(metrics)?.[1])
  t.ok(Math.abs(end - Date.now() / 1000 - 24 * 3600) < 600, 'the end of its certificate')
})

t.test('TLS 1.2 and newer, and HTTP/1.1 on it', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, pair(t)))
  const rows: Array<[options: ConnectionOptions, protocol: string | null, reason: string]> = [
    [{}, 'TLSv1.3', 'the newest'],
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'the one before'],
    [{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, null, 'an old one'],
    [{ ALPNProtocols: ['h2', 'http/1.1'] }, 'TLSv1.3', 'a client that knows HTTP/2 too'],
    [{ ALPNProtocols: ['h2'] }, null, 'a client that knows nothing else']
  ]
  let failures = 0
  for (const [options, protocol, reason] of rows) {
    const socket = await secured(proxy.port, options).catch(() => null)
    t.equal(socket?.getProtocol() ?? null, protocol, reason)
    if (protocol === null) t.match(await handshakeFailed(proxy, ++failures), { level: 20, code: /^ERR_SSL_/ }, `${reason}: for the log`)
    else t.equal(socket?.alpnProtocol, options.ALPNProtocols === undefined ? false : 'http/1.1', reason)
    socket?.destroy()
  }
})

t.test('http where TLS is gets an answer, and nothing that is no TLS ends the process', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, pair(t)))
  for (const bytes of [get(MACHINES), request(['POST /x HTTP/1.1', 'Host: x', 'Content-Length: 90000'], 'x'.repeat(90_000)), 'get']) {
    const answer = await exchange(proxy.port, bytes)
    t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\nMAAS-Proxy-Error: MAAS_PROXY_TLS_REQUIRED\r\n/)
    t.match(jsonBody(answer).error?.remedy, /https:\/\//)
  }
  t.equal(upstream.received(), '', 'nothing was sent to MAAS')
  t.match(await exchange(proxy.port, '\x16\x03\x01\xff\xff nonsense'), /^(?!HTTP)/, 'a broken record')
  t.match(await handshakeFailed(proxy, 1), { level: 20, code: /^ERR_SSL_/ })
  const silent = connectPlain(proxy.port, '127.0.0.1')
  silent.end()
  await readAll(silent)
  const reset = connectPlain(proxy.port, '127.0.0.1')
  await once(reset, 'connect')
  reset.resetAndDestroy()
  t.equal((await ask(proxy.port)).status, 200, 'the proxy serves on')
})

t.test('a new pair is shown from then on, and one that is broken is not', async t => {
  const upstream = await rawUpstream(t)
  const files = pair(t)
  const { tlsCertFile: [certFile], tlsKeyFile: [keyFile] } = files
  const proxy = await startTestProxy(t, testConfig(upstream.url, { ...files, listen: ['127.0.0.1:0', '127.0.0.1:0', `unix:${socketDir(t)}/s`] }))
  t.match(proxy.addresses[2], /^unix:/, 'a unix socket has no need of it')
  const ports = proxy.addresses.slice(0, 2).map(address => Number(new URL(address).port))
  const old = await secured(proxy.port)
  const rows: Array<[pair: typeof first, key: string, ca: string, wanted: Record<string, unknown>, reason: string]> = [
    [second, first.key, first.ca, { level: 50, reason: /key".*is not the key of the first certificate/, msg: /could not be read again; the old ones stay/ }, 'half a change'],
    [{ ...second, cert: '' }, second.key, first.ca, { level: 50, reason: /cert".*has no certificate in PEM/ }, 'an empty file'],
    [second, second.key, second.ca, { level: 30, changed: [certFile, keyFile], msg: /have been replaced/ }, 'another pair'],
    [second, second.key, second.ca, { level: 30, msg: 'the settings are the same as before' }, 'the same'],
    [over, over.key, over.ca, { level: 40, msg: /the certificate ended at .*clients will refuse it/ }, 'one that is over is used, as at the start, with a warning']
  ]
  for (const [{ cert }, key, ca, wanted, reason] of rows) {
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    const seen = proxy.log.length
    await proxy.reload()
    t.match(proxy.log.slice(seen).find(({ level }) => level === wanted['level']), wanted, reason)
    const isOver = cert === over.cert
    for (const port of ports) {
      t.equal((await ask(port, { ca, agent: false, rejectUnauthorized: !isOver })).status, 200, reason)
    }
  }
  old.write(get(MACHINES))
  t.match(await readAll(old), /^HTTP\/1\.1 200 OK/, 'an open connection stays')
  writeFileSync(certFile, first.cert)
  writeFileSync(keyFile, first.key)
  const replaced = /^the settings have been replaced/
  await until('the files are read by themselves', () => proxy.log.filter(({ msg }) => replaced.test(String(msg))).length >= 3)
  await until('both of them', async () => (await ask(proxy.port, { agent: false }).catch(() => null))?.status === 200)
  t.equal((await ask(proxy.port)).status, 200)
})

t.test('whether a listener has TLS is part of its address, and needs a restart', async t => {
  const upstream = await rawUpstream(t)
  const { tlsCertFile: [cert], tlsKeyFile: [key] } = pair(t)
  const config = `${t.testdir({})}/proxy.yaml`
  const put = (...listeners: string[]) => {
    writeFileSync(config, `maas-url: ${upstream.url}\napi-key: ccccc:ttttt:sssss\nlisteners: [${listeners.join(', ')}]\n`, { mode: 0o600 })
  }
  const tls = `tls-cert-file: ${cert}, tls-key-file: ${key}`
  const [encrypted, plain] = [(more: string) => `{ listen: '127.0.0.1:0', ${more} }`, (more: string) => `{ listen: '127.0.0.2:0', ${more} }`]
  put(encrypted(tls), plain(''))
  const proxy = await startTestProxy(t, loadConfig({ config: [config] }, {}))
  const [first, second] = proxy.addresses.map(address => Number(new URL(address).port)) as [number, number]
  put(encrypted('read-only: true'), plain(`client-ca-file: ${cert}, ${tls}`))
  await proxy.reload()
  t.strictSame(proxy.log.filter(({ msg }) => /needs a restart/.test(String(msg))).map(({ setting }) => setting), ['listeners[0].tls-cert-file', 'listeners[1].tls-cert-file'])
  t.equal((await ask(first, { method: 'POST' })).status, 403, 'the rest is in force, by https as before')
  t.equal((await fetch(`http://127.0.0.2:${second}${MACHINES}`, { method: 'POST' })).status, 401, 'and by http as before, where no certificate can be shown')
})

t.test('a proxy with TLS drains', async t => {
  const upstream = await keptUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, pair(t)))
  const idle = await secured(proxy.port)
  const shaking = connectPlain(proxy.port, '127.0.0.1')
  shaking.on('error', () => {}).write('\x16\x03', 'latin1')
  const answer = securely(proxy.port, get(MACHINES))
  await until('the request is at MAAS', () => upstream.sockets.length > 0 && upstream.requests.length > 0)
  const stopped = proxy.stop()
  idle.resume()
  shaking.resume()
  await Promise.all([closed(idle), closed(shaking)])
  upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  t.match(await answer, /^HTTP\/1\.1 200 OK.*connection: close.*ok$/is, 'a running request ends')
  await stopped
})

t.test('a handshake keeps a proxy from being idle', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, pair(t)))
  const shaking = connectPlain(proxy.port, '127.0.0.1')
  await once(shaking, 'connect')
  let isIdle = false
  const idle = proxy.waitUntilIdle(1).then(() => { isIdle = true })
  t.equal((await ask(proxy.port, { agent: false })).status, 200)
  t.notOk(isIdle)
  shaking.destroy()
  await idle
})

t.test('a handshake that begins while a server waits to be idle counts too', async t => {
  const server = createServer()
  trackConnections(server)
  const pair = { cert: [first.cert], key: first.key, clientCa: null }
  secureServer(server, pair, () => pair, pino({ enabled: false }))
  let isIdle = false
  const idle = waitUntilIdle([server], 1).then(() => { isIdle = true })
  const during = new Socket()
  t.after(() => { during.destroy() })
  server.emit('connection', during) // in the same turn, so before the wait is over
  await wait(50)
  t.notOk(isIdle, 'the connection is open when the wait is over')
  during.destroy()
  await idle
})

t.test('connections count before their handshakes', async t => {
  const server = createServer((_request, response) => response.end('ok'))
  trackConnections(server)
  const pair = { cert: [first.cert], key: first.key, clientCa: null }
  secureServer(server, pair, () => pair, pino({ enabled: false }))
  let refused = 0
  limitConnections(server, 1, () => { refused++ }, () => {})
  const port = await listenOn(t, server)
  const gone = [new Socket(), new Socket()] // the system no longer knows the address of a client that has gone
  for (const socket of gone) server.emit('connection', socket)
  t.equal(openConnections(server).size, 2)
  for (const [i, socket] of gone.entries()) {
    socket.destroy()
    await until('it is counted off', () => openConnections(server).size === 1 - i)
  }
  const shaking = connectPlain(port, '127.0.0.1')
  await until('the first is there', () => openConnections(server).size === 1)
  t.equal(await exchange(port, ''), '', 'another is refused')
  t.equal(refused, 1)
  shaking.destroy()
  await until('the first has gone', () => openConnections(server).size === 0)
  const encrypted = await secured(port)
  await until('the next is encrypted', () => [...openConnections(server)].some(socket => socket instanceof TLSSocket))
  t.equal(openConnections(server).size, 1, 'which is one connection still')
  encrypted.destroy()
})

t.test('a crowd that does not shake hands makes room for who does', async t => {
  const server = createServer((_request, response) => response.end('ok'))
  trackConnections(server)
  const pair = { cert: [first.cert], key: first.key, clientCa: null }
  secureServer(server, pair, () => pair, pino({ enabled: false }))
  limitConnections(server, 8, () => {}, () => {})
  const port = await listenOn(t, server)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => { agent.destroy() })
  t.equal((await ask(port, { agent })).status, 200)
  const crowd = Array.from({ length: 7 }, (_, i) => connectPlain(port, '127.0.0.1', function (this: Socket) {
    if (i % 2 === 0) this.write('\x16\x03\x01\x02\x00\x01', 'latin1') // the beginning of a handshake
  }))
  for (const socket of crowd) socket.on('error', () => {}).resume()
  await until('they are there', () => openConnections(server).size === 8)
  let answers = 0
  await until('some have gone', async () => {
    if ((await ask(port, { agent })).status === 200) answers++
    return openConnections(server).size <= 6
  })
  t.ok(answers > 1, 'a client that asks goes on')
  t.equal((await ask(port, { agent: false })).status, 200, 'and another gets in')
  for (const socket of crowd) socket.destroy()
})

t.test('run leads its command to http on loopback', async t => {
  const { tlsCertFile: [cert], tlsKeyFile: [key] } = pair(t)
  const upstream = await rawUpstream(t)
  const script = "process.stdout.write(process.env.MAAS_URL + ' '); fetch(process.env.MAAS_URL + '/api/2.0/version/').then(({ status }) => console.log(status))"
  const tls = { MAAS_URL: upstream.url, MAAS_API_KEY: 'a:b:c', MAAS_PROXY_TLS_CERT_FILE: cert, MAAS_PROXY_TLS_KEY_FILE: key }
  const child = startProgram(t, ['run', '--', process.execPath, '--eval', script], tls)
  t.equal(await child.ended, 0)
  t.match(child.stdout(), /^http:\/\/127\.0\.0\.1:\d+\/MAAS 200/)
  const open = startProgram(t, ['run', '--listen', '0.0.0.0:0', '--allow-non-loopback', '--no-client-auth', '--', 'true'], tls)
  t.equal(await open.ended, 2)
  t.match(open.stderr(), /--tls-cert-file: the command uses http on loopback.*--listen 127\.0\.0\.1:0/)
})

t.test('the command ready asks by https', async t => {
  const upstream = await rawUpstream(t)
  const files = pair(t, over)
  const proxy = await startTestProxy(t, testConfig(upstream.url, files))
  const flags = ['--tls-cert-file', ...files.tlsCertFile, '--tls-key-file', ...files.tlsKeyFile]
  const { stderr, stdout } = await runHere(['ready', '--listen', `127.0.0.1:${proxy.port}`, ...flags])
  t.match(stdout + stderr, /ready: /, 'the answer of a proxy')
  t.notMatch(stderr, /no proxy answers/)
})

t.test('a proxy finds that it is its own MAAS', async t => {
  const port = await freePort()
  for (const maasUrl of [`https://localhost:${port}/MAAS`, `http://127.0.0.1:${port}/MAAS`]) {
    const config = testConfig(maasUrl, { ...pair(t), listen: [`127.0.0.1:${port}`] })
    await t.rejects(startTestProxy(t, config), /is the address of this proxy itself \(https:/, maasUrl)
  }
})

t.test('what cannot be used is one line, before anything listens', async t => {
  const dir = t.testdir({ cert: first.cert, key: first.key, other: second.key, text: 'x' })
  const rows: Array<[flags: Flags, wanted: RegExp, reason: string]> = [
    [{ tlsCertFile: [`${dir}/cert`] }, /^--tls-cert-file: ".*\/cert": needs --tls-key-file as well/, 'no key'],
    [{ tlsKeyFile: [`${dir}/key`] }, /^--tls-key-file: ".*\/key": needs --tls-cert-file as well/, 'no certificate'],
    [{ tlsCertFile: [`${dir}/cert`], tlsKeyFile: [`${dir}/other`] }, /^--tls-key-file: ".*\/other": is not the key of the first certificate in ".*\/cert"/, 'another key'],
    [{ tlsCertFile: [`${dir}/none`], tlsKeyFile: [`${dir}/key`] }, /^--tls-cert-file: ".*\/none": there is no such file/, 'no file'],
    [{ tlsCertFile: [`${dir}/cert`], tlsKeyFile: [`${dir}/text`] }, /^--tls-key-file: ".*\/text": has no private key in PEM/, 'no key in it'],
    [{ tlsCertFile: [`${dir}/text`], tlsKeyFile: [`${dir}/key`] }, /^--tls-cert-file: ".*\/text": has no certificate in PEM/, 'no certificate in it'],
    [pair(t, weak), /^--tls-cert-file: ".*\/cert": TLS cannot use it \(ERR_SSL_EE_KEY_TOO_SMALL\)/, 'a key that is too short'],
    [{ tlsCertFile: [`${dir}/cert`], tlsKeyFile: [`${dir}/key`], listen: ['unix:/run/s'] }, /^--tls-cert-file: has no effect on a unix socket/, 'no port']
  ]
  for (const [flags, wanted, reason] of rows) {
    const error = await testConfig('http://127.0.0.1:1/MAAS', flags).catch((error: unknown) => error)
    t.match(error, { problems: [wanted] }, reason)
    t.equal((error as { problems: string[] }).problems.length, 1, reason)
  }
  const started = startProgram(t, ['--listen', '127.0.0.1:0', '--tls-cert-file', `${dir}/cert`], { MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY: 'a:b:c' })
  t.equal(await started.ended, 2, 'exit code 2')
  t.match(started.stderr(), /error: --tls-cert-file/)
  const config = `${dir}/proxy.yaml`
  writeFileSync(config, `maas-url: http://127.0.0.1:1/MAAS\napi-key: ccccc:ttttt:sssss\nlisteners:\n  - listen: 127.0.0.1:0\n    tls-cert-file: ${dir}/cert\n`, { mode: 0o600 })
  await t.rejects(loadConfig({ config: [config] }, {}), /^\S*proxy\.yaml:5:\d+: listeners\[0\]\.tls-cert-file: .*needs --tls-key-file/s, 'a place in a file of settings')
})

t.test('warnings about certificates, and about the network', async t => {
  const rows: Array<[flags: Flags, wanted: RegExp, isWarned: boolean, reason: string]> = [
    [pair(t, over), /--tls-cert-file: ".*\/cert": the certificate ended at .*clients will refuse it/, true, 'it is over'],
    [pair(t, early), /the certificate begins at .* only; clients will refuse it/, true, 'it is not valid yet'],
    [pair(t), /the certificate (?:ended|begins)/, false, 'it is good'],
    [{}, /without TLS/, false, 'loopback'],
    [{ listen: ['0.0.0.0:1'], allowNonLoopback: ['true'], noClientAuth: ['true'] }, /http:\/\/0\.0\.0\.0:1 can be reached from other machines without TLS.*--tls-cert-file/, true, 'in the clear'],
    [{ ...pair(t), listen: ['0.0.0.0:1'], allowNonLoopback: ['true'], noClientAuth: ['true'] }, /without TLS/, false, 'encrypted']
  ]
  for (const [flags, wanted, isWarned, reason] of rows) {
    const { warnings } = await testConfig('http://127.0.0.1:1/MAAS', flags)
    t.equal(warnings.some(warning => wanted.test(warning)), isWarned, reason)
  }
  const rest: Array<[made: typeof first, wanted: RegExp | null, reason: string]> = [
    [first, /the certificate of a listener ends within a week/, 'it ends tomorrow'],
    [over, /the certificate of a listener has ended/, 'it has ended'],
    [await makeCertificates({ days: 9 }), null, 'it is good for longer'],
    [await makeCertificates({ begins: -0.1 }), null, 'it is one for a day']
  ]
  for (const [made, wanted, reason] of rest) {
    const { log } = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS', { ...pair(t, made), listen: ['127.0.0.1:0'] }))
    const told = log.filter(({ msg }) => /^the certificate of a listener/.test(String(msg)))
    t.match(told, wanted === null ? [] : [{ level: 40, listener: /^https:\/\/127/, expires: /Z$/, msg: wanted }], `told once, every day: ${reason}`)
    t.equal(told.length, wanted === null ? 0 : 1)
  }
  const [policy] = await loadPolicies(pair(t), {})
  t.match(policy?.addresses, ['https://127.0.0.1:5241'], 'the policy names the address as it is')
})
