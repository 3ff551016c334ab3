// What the busy clients do, each kind as often as its weight: well-behaved requests, and those that are not.
import { setTimeout as wait } from 'node:timers/promises'

const KIB = 1024
const MIB = KIB * KIB
const WRITABLE = ['main', 'socket']
const OVER_TCP = ['main', 'reading']
const ANONYMOUS = [{ path: 'version/' }, { path: 'machines/?op=is_action_in_progress' }, { path: 'machines/?op=is_registered', fields: ['MAAS-Proxy-Access: anonymous'] }]
const MANNERS = ['plain', 'plain', 'chunked', 'late']

/** The kinds that have to be seen, or the soak has not done what it is for. */
export const KINDS = {
  get: [20, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'get', how: client.random.pick(MANNERS), size: client.random.size(64 * KIB) })])
  }],
  anonymous: [10, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'anonymous', access: 'anonymous', how: client.random.pick(MANNERS), ...client.random.pick(ANONYMOUS) })])
  }],
  head: [4, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'head', method: 'HEAD', size: client.random.size(MIB) })])
  }],
  post: [15, async client => {
    client.connection(WRITABLE)
    const { random } = client
    await client.ask([client.request({ kind: 'post', method: random.pick(['POST', 'POST', 'PUT']), path: 'files/', body: bodyOf(random, 256 * KIB), isChunked: random.chance(0.5), how: random.pick(MANNERS) })])
  }],
  delete: [8, async client => {
    client.connection(WRITABLE)
    await client.ask([client.request({ kind: 'delete', method: 'DELETE', path: 'machines/abc/', how: client.random.pick(MANNERS) })])
  }],
  form: [5, async client => {
    client.connection(['main'])
    const refused = client.random.chance(0.3)
    const body = Buffer.from(`comment=${'x'.repeat(client.random.size(16 * KIB))}&op=${refused ? 'release' : 'deploy'}`)
    await client.ask([client.request({ kind: 'form', method: 'POST', path: 'machines/abc/', body, refusal: refused ? 'MAAS_PROXY_RULE_REFUSED' : null, fields: ['Content-Type: application/x-www-form-urlencoded'] })])
  }],
  refused: [3, async client => {
    client.connection(['reading'])
    await client.ask([client.request({ kind: 'refused', method: 'POST', body: bodyOf(client.random, 32 * KIB), refusal: 'MAAS_PROXY_WRITE_REFUSED' })])
  }],
  pipelined: [8, async client => {
    const { random } = client
    client.connection(WRITABLE)
    await client.ask(Array.from({ length: random.between(2, 6) }, () => {
      const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'DELETE', 'POST'])
      return client.request({ kind: 'pipelined', method, how: random.pick(MANNERS), size: random.size(8 * KIB), body: method === 'POST' ? bodyOf(random, 8 * KIB) : null })
    }))
  }],
  large: [2, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'large', how: client.random.pick(['plain', 'chunked']), size: client.random.between(MIB, 3 * MIB) })])
  }],
  dripping: [6, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'dripping', how: 'drip', size: 5 + client.random.size(64 * KIB) })])
  }],
  'slow reader': [2, async client => {
    const connection = client.connection()
    connection.restMs = 20
    await client.ask([client.request({ kind: 'slow reader', size: client.random.between(MIB, 3 * MIB) })])
    connection.restMs = 0
  }],
  'slow upload': [5, async client => {
    client.connection(WRITABLE)
    const request = client.request({ kind: 'slow upload', method: 'POST', path: 'files/', body: bodyOf(client.random, 256 * KIB), isChunked: client.random.chance(0.5) })
    await client.ask([request], { deliver: async connection => { await inParts(connection, request.bytes, 12, 60) } })
  }],
  'slow header': [3, async client => {
    client.connection()
    const request = client.request({ kind: 'slow header' })
    await client.ask([request], { deliver: async connection => { await inParts(connection, request.bytes, 8, 30) } })
  }],
  expecting: [4, async client => {
    client.connection(WRITABLE)
    const request = client.request({ kind: 'expecting', method: 'POST', path: 'files/', body: bodyOf(client.random, 64 * KIB), fields: ['Expect: 100-continue'] })
    await client.ask([request], {
      deliver: async connection => {
        await connection.send(request.head)
        await wait(client.random.between(0, 50))
        await connection.send(request.bytes.subarray(request.head.length))
      }
    })
  }],
  unanswered: [5, async client => {
    // The connection alone dies, and MAAS is there: whoever sends again is served.
    client.connection(WRITABLE)
    const { random } = client
    const method = random.pick(['GET', 'DELETE', 'POST'])
    await client.ask([client.request({ kind: 'unanswered', method, how: random.pick(['vanish', 'part', 'chunked-part']), size: 2 + random.size(64 * KIB), body: method === 'POST' ? bodyOf(random, 8 * KIB) : null })])
  }],
  early: [3, async client => {
    client.connection(WRITABLE)
    await client.ask([client.request({ kind: 'early', method: 'POST', path: 'files/', how: 'early', body: bodyOf(client.random, 256 * KIB) })])
  }],
  secret: [3, async client => {
    client.connection()
    await client.ask([client.request({ kind: 'secret', how: 'secret' })])
  }],
  'old version': [3, async client => {
    client.connection(OVER_TCP)
    await client.ask([client.request({ kind: 'old version', version: '1.0', how: client.random.pick(['chunked', 'chunked-part', 'drip']), size: 2 + client.random.size(64 * KIB) })])
    client.close()
  }],
  'half-closed': [4, async client => {
    client.connection(WRITABLE)
    const request = client.request({ kind: 'half-closed', ...client.random.chance(0.5) ? { method: 'POST', body: bodyOf(client.random, 64 * KIB) } : {}, how: client.random.pick(MANNERS) })
    await client.ask([request], {
      deliver: async connection => {
        await connection.send(request.bytes)
        connection.halfClose()
      }
    })
    client.close()
  }],
  'aborted upload': [4, async client => {
    client.connection(WRITABLE)
    const request = client.request({ kind: 'aborted upload', method: 'POST', path: 'files/', body: Buffer.alloc(client.random.between(2, 256 * KIB), 'a'), isChunked: client.random.chance(0.5) })
    await client.leave(request, async connection => {
      await connection.send(request.bytes.subarray(0,
        request.head.length + client.random.between(0, request.bytes.length - request.head.length - 1)))
      await wait(client.random.between(0, 50))
    })
  }],
  'aborted answer': [4, async client => {
    client.connection(WRITABLE)
    const { random } = client
    const request = client.request({ kind: 'aborted answer', method: random.pick(['GET', 'DELETE']), how: random.pick(['plain', 'late', 'drip']), size: random.size(MIB) })
    await client.leave(request, async connection => {
      await connection.send(request.bytes)
      await wait(random.between(0, 100))
    })
  }]
}

export const WEIGHTS = Object.fromEntries(Object.entries(KINDS).map(([kind, [weight]]) => [kind, weight]))

function bodyOf (random, largest) {
  return Buffer.alloc(random.size(largest), random.next().toString(36))
}

async function inParts (connection, bytes, parts, restMs) {
  const size = Math.ceil(bytes.length / parts)
  for (let at = 0; at < bytes.length; at += size) {
    await connection.send(bytes.subarray(at, at + size))
    await wait(restMs)
  }
}
