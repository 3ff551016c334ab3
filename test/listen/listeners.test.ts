import t from 'tap'
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, symlinkSync, unlinkSync, watch, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { connect, createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import { listenOnSocket } from '../../src/listen/unix-socket.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { createLogger } from '../../src/observe/log/logger.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, listenOn, rawUpstream, readAll, socketDir } from '../helper/sockets.ts'

/** Asks over a unix socket. */
async function ask (socketPath: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return (await answerOf(socketPath, '/MAAS/api/2.0/machines/', headers)).resume().statusCode
}

async function answerOf (
  socketPath: string, path: string, headers: Record<string, string> = {}
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => request({ socketPath, path, headers }, resolve).on('error', reject).end())
}

t.test('a unix socket is for its owner, and needs no right Host', async t => {
  const upstream = await rawUpstream(t)
  const path = join(socketDir(t), 's')
  const proxy = await startTestProxy(t, testConfig(upstream.url, { listen: [`unix:${path}`] }))
  t.equal(proxy.address, `unix:${path}`)
  t.match(proxy.log.find(record => record['msg'] === 'listening'), { address: `unix:${path}` })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(await ask(path, { Host: 'anything' }), 200, 'no page reaches a socket')
  t.equal(await ask(path, { Host: 'x', Origin: 'http://evil.example' }), 403, 'but what says that it comes from one is refused')
  const chunks = await (await answerOf(path, '/')).toArray()
  t.match(chunks.join(''), `curl --unix-socket '${path}' 'http://localhost/MAAS/api/2.0/version/'`, 'the front page says how')
  await proxy.stop()
  t.notOk(existsSync(path), 'it is gone with the proxy')
})

t.test('a client of HTTP/1.0 on a socket needs no Host at all', async t => {
  const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:${port}/MAAS/x\r\n\r\n`))
  const { port } = upstream
  const path = join(socketDir(t), 's')
  await startTestProxy(t, testConfig(upstream.url, { listen: [`unix:${path}`] }))
  const socket = connect(path)
  socket.write('GET /MAAS/api/2.0/machines/ HTTP/1.0\r\n\r\n')
  t.match(await readAll(socket), /^HTTP\/1.1 302 [^]*Location: http:\/\/localhost\/MAAS\/x\r\n/)
})

t.test('a client of HTTP/1.0 on a socket, which knows no reset, is cut off without one', async t => {
  const upstream = await rawUpstream(t, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
  const path = join(socketDir(t), 's')
  const proxy = await startTestProxy(t, testConfig(upstream.url, { listen: [`unix:${path}`] }))
  const socket = connect(path)
  socket.once('data', () => { upstream.sockets[0]?.destroy() })
  socket.write('GET /MAAS/api/2.0/machines/ HTTP/1.0\r\n\r\n')
  t.match(await readAll(socket), /part$/)
  const record = await proxy.logged(record => record['msg'] === 'request')
  t.match(record, { error: 'MAAS_PROXY_UPSTREAM_CLOSED', complete: false })
})

t.test('a unix socket gets the configured mode and group, never wider ones', async t => {
  const upstream = await rawUpstream(t)
  const dir = socketDir(t)
  const path = join(dir, 's')
  const modes = new Set<number>()
  const look = () => { try { modes.add(lstatSync(path).mode & 0o777) } catch {} }
  const watcher = watch(dir, look)
  t.after(() => watcher.close())
  const before = process.umask(0)
  t.after(() => process.umask(before))
  await startTestProxy(t, testConfig(upstream.url, { listen: [`unix:${path}`], socketMode: ['0660'], socketGroup: [String(process.getgid?.())] }))
  look()
  t.equal(process.umask(), 0, 'the mask of the process is as it was')
  t.strictSame([...modes].filter(mode => (mode & ~0o660) !== 0), [], 'seen from outside')
  t.equal(statSync(path).mode & 0o777, 0o660)
  t.equal(statSync(path).gid, process.getgid?.())
})

t.test('the mode of a socket is set on the socket, and on nothing that takes its place', { skip: process.platform !== 'linux' && 'others have lchmod' }, async t => {
  const dir = socketDir(t)
  const [path, foreign] = [join(dir, 's'), join(dir, 'foreign')]
  const rows: Array<[swap: () => void, code: RegExp, reason: string]> = [
    [() => { symlinkSync(foreign, path) }, /ELOOP|no longer the socket/, 'a link to a file of another user'],
    [() => { writeFileSync(path, '') }, /no longer the socket that was created/, 'another file']
  ]
  for (const [swap, problem, reason] of rows) {
    writeFileSync(foreign, 'precious', { mode: 0o600 })
    const server = createServer()
    const listen = server.listen.bind(server)
    // Stands for another user who may write in the directory, and is quick.
    server.listen = ((...args: Parameters<typeof listen>) => {
      listen(...args)
      unlinkSync(path)
      swap()
      return server
    }) as typeof server.listen
    t.after(() => server.close())
    await t.rejects(listenOnSocket(server, path, { mode: 0o666, group: process.getgid?.() as number }),
      { message: problem }, reason)
    t.equal(statSync(foreign).mode & 0o777, 0o600, `${reason}: keeps its mode`)
    unlinkSync(path)
  }
  const server = createServer()
  t.after(() => server.close())
  await listenOnSocket(server, path, { mode: 0o640, group: null })
  t.equal(statSync(path).mode & 0o777, 0o640, 'without a group it is created with its mode')
})

t.test('only a socket that nobody listens on is replaced', async t => {
  const upstream = await rawUpstream(t)
  const dir = socketDir(t)
  const config = (path: string) => testConfig(upstream.url, { listen: [`unix:${path}`] })
  const logger = createLogger('silent', 'json', process.stdout)

  const live = join(dir, 'live')
  const first = await startTestProxy(t, config(live))
  await t.rejects(startProxy(await config(live), logger), /another process listens on .*live; stop it, or listen elsewhere/)
  t.equal(await ask(live), 200, 'the first still answers')
  await first.stop()

  const stale = join(dir, 'stale')
  const dead = createNetServer()
  await new Promise<void>(resolve => dead.listen(stale, resolve))
  const held = join(dir, 'held')
  const { linkSync } = await import('node:fs')
  linkSync(stale, held)
  await new Promise(resolve => dead.close(resolve))
  linkSync(held, stale)
  t.ok(lstatSync(stale).isSocket(), 'a socket that a dead process left')
  await startTestProxy(t, config(stale))
  t.equal(await ask(stale), 200)

  const file = join(dir, 'file')
  writeFileSync(file, 'precious')
  await t.rejects(startProxy(await config(file), logger), /file exists and is not a socket/)
  t.equal(readFileSync(file, 'utf8'), 'precious')

  const link = join(dir, 'link')
  symlinkSync(held, link)
  await t.rejects(startProxy(await config(link), logger), /link exists and is not a socket/, 'a link is not followed')
  t.ok(lstatSync(link).isSymbolicLink())

  await t.rejects(startProxy(await config(join(dir, 'none', 's')), logger), { message: `the directory ${dir}/none of the socket does not exist; mkdir -p ${dir}/none` }, 'no such directory')
  await t.rejects(startProxy(await config(join(file, 's')), logger), { message: `${file} is not a directory, so no socket can be in it; listen elsewhere` }, 'a file in place of the directory')
  if (process.platform === 'linux') await t.rejects(startProxy(await config('/proc/s'), logger), { code: /^E/ }, 'a directory in which nothing can be created')
})

t.test('several listeners start together or not at all', async t => {
  const upstream = await rawUpstream(t)
  const path = join(socketDir(t), 's')
  const proxy = await startTestProxy(t, testConfig(upstream.url, { listen: ['127.0.0.1:0', `unix:${path}`] }))
  t.equal(proxy.addresses.length, 2)
  t.equal(proxy.log.filter(record => record['msg'] === 'listening').length, 2, 'one record each')
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1.1 200 /)
  t.equal(await ask(path), 200)
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/').replace('localhost', 'evil')), /^HTTP\/1.1 403 /, 'each with its own guard')

  const busy = await listenOn(t, createServer())
  const other = join(socketDir(t), 's')
  await t.rejects(startProxy(await testConfig(upstream.url, { listen: [`unix:${other}`, `127.0.0.1:${busy}`], shutdownDelayMs: ['1h'] }), createLogger('silent', 'json', process.stdout)), { code: 'EADDRINUSE' })
  t.notOk(existsSync(other), 'none is left listening')
})

t.test('the proxy listens beyond loopback only with --allow-non-loopback', async t => {
  const upstream = await rawUpstream(t)
  const tokens = `${t.testdir({ tokens: 'alice alice-token-0001\n' })}/tokens`
  chmodSync(tokens, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { listen: ['0.0.0.0:0'], allowNonLoopback: ['true'], clientTokenFile: [tokens], allowHost: ['proxy.example'] }))
  const asked = (host: string, ...fields: string[]) => exchange(proxy.port, get('/MAAS/api/2.0/machines/', ...fields).replace('localhost', host))
  t.match(await asked('proxy.example'), /^HTTP\/1.1 401 /)
  t.match(await asked('proxy.example', 'MAAS-Proxy-Token: alice-token-0001'), /^HTTP\/1.1 200 /)
  t.match(await asked('10.0.0.1', 'MAAS-Proxy-Token: alice-token-0001'), /^HTTP\/1.1 403 /, 'by a name that was not allowed')
})
