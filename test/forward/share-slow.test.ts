import t from 'tap'
import { connect, type Socket } from 'node:net'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import {
  type Held, LIST, ofList, plug, records, startPair, value, waiting, WHOAMI
} from '../helper/sharing.ts'
import { closed, exchange, get, keptUpstream, OK } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MIB = 1024 * 1024

/** A body whose every part is different. */
function bodyOf (mib: number): Buffer {
  const body = Buffer.alloc(mib * MIB)
  for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(i, i)
  return body
}

const headOf = (body: Buffer, ...fields: string[]) => [
  'HTTP/1.1 200 OK', `Content-Length: ${body.length}`, 'Content-Type: application/json', ...fields, 'Connection: close', '', ''
].join('\r\n')

const BODY = bodyOf(16)

/** Sends a read and takes nothing of the answer before `resume`. */
function slowly (proxy: TestProxy): { socket: Socket, body: () => Promise<Buffer> } {
  const socket = connect(proxy.port, '127.0.0.1')
  socket.on('error', () => {}).pause()
  socket.write(LIST)
  return {
    socket,
    body: async () => {
      const chunks: Buffer[] = []
      socket.on('data', chunk => { chunks.push(chunk) }).resume()
      await closed(socket)
      const bytes = Buffer.concat(chunks)
      return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
    }
  }
}

t.test('a slow client slows nobody, and gets the rest by a request of its own', async t => {
  const changed = Buffer.from(BODY)
  changed[100] = 77
  const gone = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy'
  const rows: Array<[reason: string, slow: 0 | 1, again: Array<string | Buffer>, error: string | undefined]> = [
    ['the same once more', 1, [headOf(BODY), BODY], undefined],
    ['for the one whose request was sent', 0, [headOf(BODY), BODY], undefined],
    ['another beginning', 1, [headOf(changed), changed], 'MAAS_PROXY_SHARED_ANSWER_CHANGED'],
    ['the same bytes of another type', 1, [headOf(BODY).replace('json', 'text'), BODY], 'MAAS_PROXY_SHARED_ANSWER_CHANGED'],
    ['a shorter one', 1, [headOf(BODY.subarray(0, MIB)), BODY.subarray(0, MIB)], 'MAAS_PROXY_SHARED_ANSWER_CHANGED'],
    ['an error', 1, [gone], 'MAAS_PROXY_SHARED_ANSWER_CHANGED']
  ]
  for (const [reason, slow, again, error] of rows) {
    const pair = await startPair(t)
    const { proxy, held } = pair
    const unplug = await plug(pair)
    const clients: Array<ReturnType<typeof slowly>> = []
    for (const count of [1, 2]) {
      clients.push(slowly(proxy))
      await waiting(proxy, count)
    }
    await unplug()
    await until('it is sent', () => held.length === 2)
    held[1]?.socket.write(headOf(BODY))
    held[1]?.socket.write(BODY)
    const fast = await clients[1 - slow]?.body()
    t.ok(fast?.equals(BODY), `${reason}: the fast one has all, while the slow one takes nothing`)
    await until('the slow one is sent for itself', () => held.length === 3)
    for (const part of again) held[2]?.socket.write(part)
    const rest = await clients[slow]?.body() as Buffer
    if (error === undefined) t.ok(rest.equals(BODY), `${reason}: the slow one has all as well`)
    else t.ok(rest.length < BODY.length && rest.equals(BODY.subarray(0, rest.length)), `${reason}: it is cut off`)
    const found = await records(proxy, 2)
    const errors = found.map(({ error }) => error).filter(code => code !== undefined)
    t.strictSame(errors, error === undefined ? [] : [error], reason)
    const whole = { complete: true, bytes: BODY.length }
    const shared = found.find(record => record['shared'] === true)
    t.match(shared, error === undefined ? whole : { complete: false, status: 200 }, reason)
    t.equal(await value(proxy, 'shared_reads_total'), 1, reason)
    t.equal(await value(proxy, 'sent_total'), 3, reason)
  }
})

t.test('a slow client whose own request cannot be sent is cut off', async t => {
  const pair = await startPair(t, { queueTimeoutMs: ['1s'] })
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const [slow, fast] = [slowly(proxy), slowly(proxy)]
  await waiting(proxy, 2)
  await unplug()
  await until('it is sent', () => held.length === 2)
  held[1]?.socket.write(headOf(BODY))
  held[1]?.socket.write(BODY.subarray(0, BODY.length - 1)) // so that the turn is not free
  fast.socket.resume()
  t.match(await proxy.logged(ofList), { error: 'MAAS_PROXY_QUEUE_TIMED_OUT', complete: false, status: 200 })
  await closed(slow.socket.resume())
  t.ok(slow.socket.bytesRead < BODY.length)
  held[1]?.socket.write(BODY.subarray(BODY.length - 1))
  await closed(fast.socket)
  t.equal(fast.socket.bytesRead > BODY.length, true, 'the other one has all')
})

t.test('a slow client that leaves while it waits for its own request is forgotten', async t => {
  const pair = await startPair(t)
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const [slow, fast] = [slowly(proxy), slowly(proxy)]
  await waiting(proxy, 2)
  await unplug()
  await until('it is sent', () => held.length === 2)
  held[1]?.socket.write(headOf(BODY))
  held[1]?.socket.write(BODY.subarray(0, BODY.length - 1))
  fast.socket.resume()
  await waiting(proxy, 1)
  slow.socket.destroy()
  await waiting(proxy, 0)
  held[1]?.socket.write(BODY.subarray(BODY.length - 1))
  await closed(fast.socket)
  t.equal(held.length, 2, 'nothing was sent for it')
})

t.test('MAAS waits while all are slow', async t => {
  const body = bodyOf(48)
  const pair = await startPair(t)
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const clients = [slowly(proxy), slowly(proxy)]
  await waiting(proxy, 2)
  await unplug()
  await until('it is sent', () => held.length === 2)
  const { socket } = held[1] as Held
  socket.write(headOf(body))
  socket.write(body)
  let last = -1
  let still = 0
  await until('MAAS sends no more', () => {
    const sent = socket.bytesWritten - socket.writableLength
    still = sent === last ? still + 1 : 0
    last = sent
    return still > 20
  })
  t.ok(socket.writableLength > 0, 'it has more to send')
  t.equal(held.length, 2, 'nobody is behind the others')
  clients[0]?.socket.destroy()
  t.ok((await clients[1]?.body())?.equals(body), 'one that is left has all')
  t.equal(held.length, 2, 'by the same request')
})

t.test('the own request of a slow client is sent once more if its connection turns out to be dead', async t => {
  const held: Socket[] = []
  const upstream = await keptUpstream(t, (socket, head) => {
    if (head.includes('whoami')) socket.write(WHOAMI)
    else held.push(socket)
  })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, { maxMaasRequests: ['1'], shareReads: ['true'] }))
  const plug = exchange(proxy.port, get('/MAAS/api/2.0/zones/'))
  await until('the turn is taken', () => held.length === 1)
  const [slow, fast] = [slowly(proxy), slowly(proxy)]
  await waiting(proxy, 2)
  const keepAlive = (text: string) => text.replace('Connection: close\r\n', '')
  held[0]?.write(keepAlive(OK))
  await plug
  await until('it is sent', () => held.length === 2)
  held[1]?.write(keepAlive(headOf(BODY)))
  held[1]?.write(BODY)
  t.ok((await fast.body()).equals(BODY))
  await until('the slow one is sent for itself', () => held.length === 3)
  t.ok([held[0], held[1]].includes(held[2] as Socket), 'on a connection that there is')
  held[2]?.destroy()
  await until('and once more', () => held.length === 4)
  held[3]?.write(headOf(BODY))
  held[3]?.write(BODY)
  t.ok((await slow.body()).equals(BODY))
  const record = (await records(proxy, 2)).find(({ attempts }) => attempts !== undefined)
  t.match(record, { attempts: 3, complete: true, bytes: BODY.length })
})
