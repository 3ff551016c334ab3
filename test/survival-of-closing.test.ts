import t from 'tap'
import { connect, type Socket } from 'node:net'
import { judge } from './helper/judge-answers.ts'
import { startTestProxy, testConfig } from './helper/proxy.ts'
import { closed, exchange, get, OK, rawUpstream, readAll } from './helper/sockets.ts'
import { until } from './helper/until.ts'

/*
 * A connection to MAAS that ends while its answer waits for the client is where libraries of HTTP have died: the end
 * comes to a parser that is paused. In each row the answer is told as it is, and the process lives on.
 */

/**
 * How MAAS says where its answer ends; each also says that its connection ends. Of one until close nobody can see that
 * it is cut off in order, or by a reset that arrives together with the last bytes.
 */
const ANSWERS: ReadonlyArray<readonly [version: string, framing: 'length' | 'chunked' | 'close', reason: string]> = [
  ['1.1', 'length', 'by length'],
  ['1.1', 'chunked', 'chunked'],
  ['1.1', 'close', 'until close'],
  ['1.0', 'length', 'HTTP/1.0, by length'],
  ['1.0', 'close', 'HTTP/1.0, until close']
]

/** How much of its answer MAAS sends, and how its connection ends. */
const ENDS: ReadonlyArray<readonly [isWhole: boolean, end: 'close' | 'reset', reason: string]> = [
  [true, 'close', 'whole'],
  [false, 'close', 'cut off in order'],
  [false, 'reset', 'cut off by a reset']
]

/** Text of which every part is another, so that no byte can be lost, doubled or moved. */
function countTo (bytes: number): string {
  return Array.from({ length: bytes / 8 }, (_, i) => String(i).padStart(8, '0')).join('')
}

function answerOf (id: string, version: string, framing: string, body: string): string {
  const fields = {
    length: `Content-Length: ${body.length}\r\n`,
    chunked: 'Transfer-Encoding: chunked\r\n',
    close: ''
  }[framing] ?? ''
  const text = framing === 'chunked' ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
  return `HTTP/${version} 200 OK\r\n${fields}X-Answer: ${id}\r\nConnection: close\r\n\r\n${text}`
}

/** Writes an answer, or its head and half of what follows, and ends the connection when the system has taken that. */
function write (socket: Socket, answer: string, isWhole: boolean, end: 'close' | 'reset'): void {
  const head = answer.indexOf('\r\n\r\n') + 4
  socket.write(isWhole ? answer : answer.slice(0, (head + answer.length) / 2), 'latin1', () => {
    if (end === 'close') socket.end()
    else socket.resetAndDestroy()
  })
}

/** Asks for an answer, and reads it as a client that has little time: late, and then a piece at a time. */
async function readSlowly (port: number, target: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const rest = (ms: number) => {
    socket.pause()
    setTimeout(() => { socket.resume() }, ms)
  }
  socket.write(get(target))
  rest(50)
  socket.on('data', () => { rest(1) })
  return await readAll(socket)
}

t.test('a large answer of a connection that ends comes to a slow client, or is cut, and the process lives on', async t => {
  const body = countTo(12_000_000)
  for (const [version, framing, by] of ANSWERS) {
    for (const [isWhole, end, how] of ENDS) {
      const upstream = await rawUpstream(t, (socket, head) => {
        if (head.includes('/tags/')) write(socket, answerOf('large', version, framing, body), isWhole, end)
        else socket.write(OK)
      })
      const proxy = await startTestProxy(t, testConfig(upstream.url))
      const text = await readSlowly(proxy.port, '/MAAS/api/2.0/tags/large/')
      const outcome = judge(text, [{ id: 'large', body, endsWithConnection: framing === 'close' }])
      t.strictSame(outcome, [isWhole ? 'whole' : 'cut'], `${by}, ${how}`)
      if (!isWhole && end === 'close') t.ok(text.length > body.length / 2, `${by}, ${how}: what MAAS sent has come`)
      t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /, `${by}, ${how}: the next`)
      await proxy.stop()
    }
  }
})

t.test('an answer that waits behind another while its connection ends is told as it is, and the process lives on', async t => {
  const sizes: Array<[bytes: number, reason: string]> = [
    [8, 'a small one'],
    [1_000_000, 'one that is larger than what is kept for a client']
  ]
  for (const [bytes, size] of sizes) {
    for (const [version, framing, by] of ANSWERS) {
      for (const [isWhole, end, how] of ENDS) {
        const reason = `${size}, ${by}, ${how}`
        const body = countTo(bytes)
        const held: Socket[] = []
        const ended: Socket[] = []
        const upstream = await rawUpstream(t, (socket, head) => {
          if (head.includes('/tags/first/')) held.push(socket)
          else if (head.includes('/tags/second/')) {
            ended.push(socket)
            write(socket, answerOf('second', version, framing, body), isWhole, end)
          } else socket.write(OK)
        })
        const proxy = await startTestProxy(t, testConfig(upstream.url))
        const client = connect(proxy.port, '127.0.0.1')
        const answers = readAll(client)
        client.write(`GET /MAAS/api/2.0/tags/first/ HTTP/1.1\r\nHost: localhost\r\n\r\n${get('/MAAS/api/2.0/tags/second/')}`)
        await until('MAAS has ended the second', () => held.length === 1 && (ended[0]?.writableFinished === true || ended[0]?.destroyed === true))
        const next = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
        t.match(next, /^HTTP\/1\.1 200 /, `${reason}: the next request`)
        held[0]?.write(answerOf('first', '1.1', 'length', 'first'))
        const outcome = judge(await answers, [
          { id: 'first', body: 'first', endsWithConnection: false },
          { id: 'second', body, endsWithConnection: framing === 'close' }
        ])
        t.strictSame(outcome, ['whole', isWhole ? 'whole' : 'cut'], reason)
        await closed(ended[0])
        await proxy.stop()
      }
    }
  }
})
