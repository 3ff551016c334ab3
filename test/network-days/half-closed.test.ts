import t from 'tap'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { onResponseFinished } from '../../src/http/response-tracker.ts'
import { allowHalfClosed } from '../../src/listen/half-closed.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { closed, listenOn, OK, rawUpstream, readAll, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const GET = 'GET /MAAS/api/2.0/machines/ HTTP/1.1\r\nHost: localhost\r\n\r\n'
const POST = 'POST /MAAS/api/2.0/machines/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody'

const skip = process.platform !== 'linux' && 'only Linux tells who closed a half from who has gone'

t.test('a client that closes its sending half gets its answer, and one that closes all of it takes its request along', { skip }, async t => {
  const path = join(socketDir(t), 's')
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url, { listen: ['127.0.0.1:0', '[::1]:0', `unix:${path}`] }))
  const [v4, v6] = proxy.addresses.map(address => Number(URL.canParse(address) ? new URL(address).port : 0))
  const rows: Array<[to: NetConnectOpts, bytes: string, answers: number, reason: string]> = [
    [{ port: v4 as number, host: '127.0.0.1' }, GET, 1, 'over IPv4'],
    [{ port: v4 as number, host: '127.0.0.1', localAddress: '127.0.0.2' }, GET, 1, 'from another address of this machine'],
    [{ port: v6 as number, host: '::1' }, GET, 1, 'over IPv6'],
    [{ path }, GET, 1, 'over a unix socket'],
    [{ path }, POST, 1, 'with a body'],
    [{ port: v4 as number, host: '127.0.0.1' }, GET + GET, 2, 'with two requests']
  ]
  for (const [to, bytes, answers, reason] of rows) {
    const before = upstream.sockets.length
    const half = connect({ ...to, allowHalfOpen: true })
    const answer = readAll(half)
    half.end(bytes)
    await until(`${reason}: MAAS has the requests`, () => upstream.sockets.length === before + answers)
    const gone = connect(to)
    gone.write(bytes.slice(0, bytes.length / answers))
    await until(`${reason}: and one of a client that goes`, () => upstream.sockets.length === before + answers + 1)
    gone.destroy()
    await closed(upstream.sockets.at(-1))
    for (const socket of upstream.sockets.slice(before, -1)) socket.write(OK)
    const text = await answer
    t.equal(text.split('HTTP/1.1 200 ').length - 1, answers, `${reason}: what it asked for`)
    t.match(text, /ok$/, `${reason}: the whole answer`)
  }
})

t.test('a half-closed connection with an incomplete request is closed', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const bytes of [GET.slice(0, 20), POST.slice(0, -2), '']) {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    const answer = readAll(socket)
    socket.once('end', () => socket.end())
    socket.end(bytes)
    t.equal(await answer, '', JSON.stringify(bytes))
  }
})

t.test('where no table of sockets tells the two apart, who closes a half is taken for gone', async t => {
  const server = createServer()
  allowHalfClosed(server, ['/nonexistent'])
  t.equal(server.listenerCount('connection'), createServer().listenerCount('connection'))
})

t.test('where the table of sockets cannot be read for a while, nobody is taken for gone', { skip }, async t => {
  const table = join(t.testdir({ table: '' }), 'table')
  const server = createServer((request, response) => { onResponseFinished(request, response, () => {}) })
  allowHalfClosed(server, [table])
  const port = await listenOn(t, server)
  rmSync(table) // stands for a process that has no descriptor left
  const half = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  half.end(GET)
  await once(server, 'request')
  await wait(700) // two checks
  t.equal(half.closed, false, 'the connection stays, and so does the process')
  writeFileSync(table, '')
  await closed(half.resume())
})

t.test('the table says who of this machine has gone, and nobody of another one', { skip }, async t => {
  const rows: Array<[address: string, isHere: boolean]> = [
    ['10.127.0.1', false], ['192.0.2.1', false], ['::ffff:10.127.0.1', false], ['::10', false], ['2001:db8::1', false],
    ['127.0.0.1', true], ['127.9.9.9', true], ['::ffff:127.0.0.1', true], ['::1', true] // each waits for a check
  ]
  const table = join(t.testdir({ table: '' }), 'table') // in which nobody is
  const server = createServer((request, response) => { onResponseFinished(request, response, () => {}) })
  allowHalfClosed(server, [table])
  const port = await listenOn(t, server)
  t.after(() => { server.closeAllConnections() })
  const clients = new Map<string, Socket>()
  for (const [address, isHere] of rows) {
    // Stands for a client from there. The connection keeps its ports.
    server.once('connection', socket => { Object.defineProperty(socket, 'remoteAddress', { value: address }) })
    const half = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()
    t.after(() => half.destroy())
    half.end(GET)
    await once(server, 'request')
    if (isHere) await t.resolves(closed(half), `${address} has gone`)
    else clients.set(address, half)
  }
  t.equal(clients.size, 5)
  for (const [address, { closed }] of clients) t.equal(closed, false, `of ${address} nobody knows`)
})

t.test('the checks go on until the last half-closed client has its answer', { skip }, async t => {
  const table = join(t.testdir({ table: '' }), 'table')
  const server = createServer((request, response) => { onResponseFinished(request, response, () => {}) })
  allowHalfClosed(server, [table])
  const port = await listenOn(t, server)
  const [first, second] = [0, 1].map(() => connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()) as [Socket, Socket]
  second.end(GET)
  await once(server, 'request')
  first.end(GET)
  const [{ socket }, response] = await once(server, 'request')
  if (!socket.readableEnded) await once(socket, 'end')
  response.end()
  first.end()
  await Promise.all([closed(first), closed(second)])
})
