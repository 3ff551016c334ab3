import t from 'tap'
import { connect, type Socket } from 'node:net'
import type { AnswerReader } from '../../src/forward/reader.ts'
import { Readers } from '../../src/forward/readers.ts'
import { BacklogBudget } from '../../src/upstream/backlog-budget.ts'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import {
  type Held, LIST, ofList, type Pair, plug, records, startPair, type Test, value, waiting, WHOAMI
} from '../helper/sharing.ts'
import { closed, keptUpstream, OK } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MIB = 1024 * 1024

/** A body whose every part is different. */
function bodyOf (mib: number): Buffer {
  const words = new Uint32Array(mib * MIB / Uint32Array.BYTES_PER_ELEMENT)
  for (let i = 0; i < words.length; i++) words[i] = i
  return Buffer.from(words.buffer)
}

const headOf = (body: Buffer, ...fields: string[]) => [
  'HTTP/1.1 200 OK', `Content-Length: ${body.length}`, 'Content-Type: application/json', ...fields, 'Connection: close', '', ''
].join('\r\n')

/** Together more than the memory for slow clients, less what the system keeps of each; neither is so alone. */
const BODY = bodyOf(24)
const LARGE = Buffer.alloc(62 * MIB)

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

/** Sends two reads that share a request. @returns the slow one, the other, and the connection that MAAS got it on */
async function pairOfReads (pair: Pair, slow: 0 | 1 = 1, plugAnswer = OK) {
  const { proxy, held } = pair
  const unplug = await plug(pair, plugAnswer)
  const count = held.length
  const clients: Array<ReturnType<typeof slowly>> = []
  for (const waiters of [1, 2]) {
    clients.push(slowly(proxy))
    await waiting(proxy, waiters)
  }
  await unplug()
  await until('it is sent', () => held.length === count + 1)
  const [first, second] = clients as [ReturnType<typeof slowly>, ReturnType<typeof slowly>]
  const { socket } = held[count] as Held
  return slow === 0 ? { slow: first, fast: second, socket } : { slow: second, fast: first, socket }
}

/** Uses most of the memory for slow clients: one takes nothing of a large answer. @returns that client */
async function useBudget (t: Test, pair: Pair): Promise<Socket> {
  const { slow, fast, socket } = await pairOfReads(pair)
  t.after(() => slow.socket.destroy())
  socket.write(headOf(LARGE))
  socket.write(LARGE)
  await closed(fast.socket.resume())
  return slow.socket
}

t.test('a slow client slows nobody, and has all while there is memory for it', async t => {
  const pair = await startPair(t)
  const { slow, fast, socket } = await pairOfReads(pair)
  socket.write(headOf(BODY))
  socket.write(BODY)
  t.ok((await fast.body()).equals(BODY), 'the fast one has all, while the slow one takes nothing')
  t.ok((await slow.body()).equals(BODY), 'the slow one has all as well')
  t.equal(pair.held.length, 2, 'by one request')
  const whole = { complete: true, bytes: BODY.length }
  t.match(await records(pair.proxy, 2), [whole, whole])
  const hog = await useBudget(t, pair)
  hog.destroy()
  await records(pair.proxy, 4)
  const next = await pairOfReads(pair)
  next.socket.write(headOf(BODY))
  next.socket.write(BODY)
  t.ok((await next.fast.body()).equals(BODY))
  t.ok((await next.slow.body()).equals(BODY))
  t.equal(pair.held.length, 6, 'memory of a client that has left is used again')
})

t.test('a slow client gets the rest by a request of its own when the memory for slow clients is used', async t => {
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
  const pair = await startPair(t)
  const { proxy, held } = pair
  await useBudget(t, pair)
  for (const [reason, which, again, error] of rows) {
    const [recorded, requests] = [proxy.log.filter(ofList).length, held.length]
    const { slow, fast, socket } = await pairOfReads(pair, which)
    socket.write(headOf(BODY))
    socket.write(BODY)
    t.ok((await fast.body()).equals(BODY), `${reason}: the fast one has all, while the slow one takes nothing`)
    await until('the slow one is sent for itself', () => held.length === requests + 3)
    for (const part of again) held.at(-1)?.socket.write(part)
    const got = await slow.body()
    if (error === undefined) t.ok(got.equals(BODY), `${reason}: the slow one has all as well`)
    else t.ok(got.length < BODY.length && got.equals(BODY.subarray(0, got.length)), `${reason}: it is cut off`)
    const found = (await records(proxy, recorded + 2)).slice(recorded)
    const errors = found.map(({ error }) => error).filter(code => code !== undefined)
    t.strictSame(errors, error === undefined ? [] : [error], reason)
    const whole = { complete: true, bytes: BODY.length }
    const shared = found.find(record => record['shared'] === true)
    t.match(shared, error === undefined ? whole : { complete: false, status: 200 }, reason)
  }
  t.equal(await value(proxy, 'shared_reads_total'), rows.length)
  t.equal(await value(proxy, 'sent_total'), rows.length * 3 + 2)
})

t.test('a slow client whose own request cannot be sent is cut off, and one that leaves is forgotten', async t => {
  const pair = await startPair(t, { queueTimeoutMs: ['1s'] })
  const { proxy, held } = pair
  await useBudget(t, pair)
  const [most, last] = [BODY.subarray(0, BODY.length - 1), BODY.subarray(BODY.length - 1)]
  for (const leaves of [false, true]) {
    const [recorded, requests] = [proxy.log.filter(ofList).length, held.length]
    const { slow, fast, socket } = await pairOfReads(pair)
    socket.write(headOf(BODY))
    socket.write(most) // so that the turn is not free
    fast.socket.resume()
    await waiting(proxy, 1)
    if (leaves) slow.socket.destroy()
    const error = leaves ? undefined : 'MAAS_PROXY_QUEUE_TIMED_OUT'
    t.match((await records(proxy, recorded + 1)).at(-1), { error, complete: false, status: 200, shared: true })
    await waiting(proxy, 0)
    await closed(slow.socket.resume())
    t.ok(slow.socket.bytesRead < BODY.length)
    socket.write(last)
    await closed(fast.socket)
    t.ok(fast.socket.bytesRead > BODY.length, 'the other one has all')
    t.equal(held.length, requests + 2, 'nothing was sent for the slow one')
  }
})

t.test('MAAS waits while all are slow', async t => {
  const body = bodyOf(32)
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
  const held: Held[] = []
  const upstream = await keptUpstream(t, (socket, head) => {
    if (head.includes('whoami')) socket.write(WHOAMI)
    else held.push({ socket, head })
  })
  const settings = { maxMaasRequests: ['1'], shareReads: ['true'] }
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`, settings))
  const pair = { proxy, held }
  await useBudget(t, pair)
  const { slow, fast, socket } = await pairOfReads(pair, 1, OK.replace('Connection: close\r\n', ''))
  const count = held.length
  socket.write(headOf(BODY))
  socket.write(BODY)
  t.ok((await fast.body()).equals(BODY))
  await until('the slow one is sent for itself', () => held.length === count + 1)
  held.at(-1)?.socket.destroy()
  await until('and once more', () => held.length === count + 2)
  held.at(-1)?.socket.write(headOf(BODY))
  held.at(-1)?.socket.write(BODY)
  t.ok((await slow.body()).equals(BODY))
  const record = (await records(proxy, 3)).find(({ attempts }) => attempts !== undefined)
  t.match(record, { attempts: 2, complete: true, shared: true, bytes: BODY.length })
})

t.test('the memory for slow clients counts an answer until the last of them has it', async t => {
  const budget = new BacklogBudget()
  const readerBehind = (mib: number) => ({ backlog: mib * MIB }) as AnswerReader
  const shared = new Readers([readerBehind(1), readerBehind(65)], budget)
  t.equal(budget.isUsed, true, 'by the one that is farthest behind')
  shared.release()
  t.equal(budget.isUsed, true, 'one has it')
  shared.release()
  t.equal(budget.isUsed, false, 'both have it')
  t.ok(new Readers([readerBehind(65)], budget))
  t.equal(budget.isUsed, false, 'an answer for one client never counts: it is waited for')
})
