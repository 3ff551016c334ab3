import t from 'tap'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { closed, OK, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const ask = (path: string, ...fields: string[]) => [`GET ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n')
/** A connection that is kept, and all that came on it. */
function keep (t: { after: (close: () => unknown) => void }, port: number) {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => { text += chunk })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return {
    socket,
    text: () => text,
    /** resolves with the next answer that ends in the text */
    async answer (end: string): Promise<string> {
      await until(`an answer with ${end}`, () => text.endsWith(end))
      const answer = text
      text = ''
      return answer
    }
  }
}

t.test('from the signal on every answer says that its connection ends', async t => {
  const waiting: Socket[] = []
  const upstream = await rawUpstream(t, (socket, head) => {
    if (head.includes('/slow/')) waiting.push(socket)
    else socket.write(OK)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url, { shutdownDelayMs: ['1s'], adminListen: ['127.0.0.1:0'] }))
  const admin = Number(new URL(proxy.adminAddress ?? '').port)
  const [running, idle, pipelining, status] = [proxy.port, proxy.port, proxy.port, admin]
    .map(port => keep(t, port)) as Array<ReturnType<typeof keep>>
  running?.socket.write(ask('/MAAS/api/2.0/slow/'))
  pipelining?.socket.write(ask('/MAAS/api/2.0/slow/') + ask('/MAAS/api/2.0/slow/'))
  idle?.socket.write(ask('/MAAS/api/2.0/machines/'))
  t.match(await idle?.answer('ok'), /Connection: keep-alive\r\n/i, 'before it')
  status?.socket.write(ask('/-/live'))
  t.match(await status?.answer('}'), /Connection: keep-alive\r\n/i, 'before it, by the status pages')
  await until('three requests run', () => waiting.length === 3)
  const stopped = proxy.stop()
  idle?.socket.write(ask('/MAAS/api/2.0/machines/'))
  t.match(await idle?.answer('ok'), /^HTTP\/1\.1 200 [^]*Connection: close\r\n/i, 'a request on a connection that was idle')
  status?.socket.write(ask('/-/ready'))
  t.match(await status?.answer('}'), /^HTTP\/1\.1 503 [^]*Connection: close\r\n/i, 'a probe')
  pipelining?.socket.write(ask('/MAAS/api/2.0/machines/'))
  await upstream.sawText(/machines[^]*machines/)
  for (const socket of waiting) socket.write(OK)
  t.match(await running?.answer('ok'), /^HTTP\/1\.1 200 [^]*Connection: close\r\n/i, 'a request that ran already')
  await closed(pipelining?.socket)
  const closings = pipelining?.text().match(/Connection: (\S+)/gi)
  t.strictSame(closings, ['Connection: keep-alive', 'Connection: keep-alive', 'Connection: close'], 'the last one of several, since none is lost')
  for (const { socket } of [running, idle, status].filter(one => one !== undefined)) await closed(socket)
  await stopped
})

t.test('a request behind the last one of a connection is not sent, since nobody could be told what came of it', async t => {
  let answering: Socket | undefined
  const upstream = await rawUpstream(t, socket => {
    answering = socket
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npa')
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url, { shutdownDelayMs: ['1s'] }))
  const { socket, text } = keep(t, proxy.port)
  await until('the client is connected', () => !socket.connecting)
  const stopped = proxy.stop()
  socket.write(ask('/MAAS/api/2.0/first/'))
  await until('the answer has begun', () => text().endsWith('pa'))
  socket.write(ask('/MAAS/api/2.0/second/'))
  await wait(200) // nobody can tell from outside when it has come
  answering?.write('rt')
  await closed(socket)
  await stopped
  t.match(text(), /^HTTP\/1\.1 200 [^]*Connection: close\r\n[^]*part$/i)
  t.notMatch(upstream.received(), 'second')
  t.match(await proxy.logged(({ error }) => error === 'MAAS_PROXY_REQUEST_MALFORMED'), { complete: false })
})
