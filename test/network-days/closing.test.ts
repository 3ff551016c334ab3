import t from 'tap'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { linger } from '../../src/http/lingering-close.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { closed, exchange, get, listenOn, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MIB = 1024 * 1024

/**
 * Sends a request of which the body is as long as it says, and looks for an answer only when all of it is sent, as
 * Python's urllib does.
 */
async function sendThenRead (port: number, head: string, size: number): Promise<{ answer: string, failure: unknown }> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  const failures: unknown[] = []
  socket.on('error', error => { failures.push(error) })
  const closed = once(socket, 'close')
  socket.write(head)
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < size && failures.length === 0; sent += chunk.length) {
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
  }
  socket.on('data', text => { answer += text })
  await closed
  return { answer, failure: failures[0] ?? null }
}

/** The head of an upload. */
function upload (size: number, version: string, ...fields: string[]): string {
  return [`POST /MAAS/api/2.0/files/ HTTP/${version}`, 'Host: localhost', ...fields, `Content-Length: ${size}`, '', ''].join('\r\n')
}

t.test('an answer before the end of an upload reaches a client that closes the connection', async t => {
  const close = 'Connection: close'
  const early = await rawUpstream(t, 'HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
  const rows: Array<[
    size: number, version: string, fields: string[], flags: object, answer: RegExp, reason: string
  ]> = [
    [3, '1.1', [close], { readOnly: ['true'] }, /^HTTP\/1\.1 403 [^]*WRITE_REFUSED/, 'a refusal'],
    [11, '1.1', [close], { readOnly: ['true'] }, /^HTTP\/1\.1 403 [^]*WRITE_REFUSED/, 'a refusal of a larger one'],
    [48, '1.1', [close], { readOnly: ['true'] }, /^HTTP\/1\.1 403 [^]*WRITE_REFUSED/, 'of a much larger one'],
    [11, '1.0', [], { readOnly: ['true'] }, /^HTTP\/1\.1 403 [^]*WRITE_REFUSED/, 'to HTTP/1.0'],
    [11, '1.1', [close], {}, /^HTTP\/1\.1 413 [^]*big$/, 'what MAAS says'],
    [11, '1.0', [], {}, /^HTTP\/1\.1 413 [^]*big$/, 'what MAAS says to HTTP/1.0'],
    [3, '1.1', [close, 'Expect: something'], {}, /^HTTP\/1\.1 417 /, 'before routing'],
    [3, '1.1', [close, 'Host: twice'], {}, /^HTTP\/1\.1 400 /, 'to a malformed request'],
    [3, '1.1', [`X: ${'x'.repeat(70_000)}`], {}, /^HTTP\/1\.1 431 /, 'to a header that is too large']
  ]
  for (const [mib, version, fields, flags, wanted, reason] of rows) {
    const proxy = await startTestProxy(t, testConfig(early.url, flags))
    for (let i = 0; i < 5; i++) {
      const size = mib * MIB
      const { answer, failure } = await sendThenRead(proxy.port, upload(size, version, ...fields), size)
      t.match(answer, wanted, `${reason}: the whole answer`)
      t.equal(failure, null, `${reason}: and no broken pipe`)
    }
  }
})

t.test('nothing of the rest of an upload is taken for a request', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { readOnly: ['true'] }))
  const smuggled = get('/MAAS/api/2.0/machines/')
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  let answer = ''
  socket.on('data', text => { answer += text })
  socket.write(upload(10, '1.1', 'Connection: close') + 'some')
  await until('it is refused', () => answer.includes('WRITE_REFUSED'))
  socket.end(`xxxxxx${smuggled}`)
  await closed(socket)
  t.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer')
  t.match(await exchange(proxy.port, get('/-/live')), /^HTTP\/1\.1 200 /)
  t.equal(upstream.sockets.length, 0, 'nothing reached MAAS')
})

t.test('lingering is bounded in time and bytes', async t => {
  const longest = 2 ** 31 - 1 // of Node's timers, so that only the limit of the row can end the connection
  const never = { totalMs: longest, silenceMs: longest, maxBytes: Infinity }
  const rows: Array<[limits: Partial<typeof never>, sends: boolean, reason: string]> = [
    [{ silenceMs: 50 }, false, 'who sends nothing'],
    [{ totalMs: 500, silenceMs: 400 }, true, 'who goes on sending'],
    [{ maxBytes: 20 }, true, 'who sends too much']
  ]
  for (const [limits, sends, reason] of rows) {
    const server = createServer({ allowHalfOpen: true })
    const port = await listenOn(t, server)
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.resume().on('error', () => {})
    const [socket] = await once(server, 'connection')
    const timer = setInterval(() => { if (sends) client.write('x') }, 10)
    t.after(() => {
      clearInterval(timer)
      for (const end of [client, socket]) end.destroy()
    })
    linger(socket, { ...never, ...limits })
    await until(`the connection ends of ${reason}`, () => socket.closed)
    t.equal(client.destroyed, false, `${reason}: the server ends it`)
    clearInterval(timer)
    client.destroy()
  }
})
