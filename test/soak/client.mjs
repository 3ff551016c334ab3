// One of the busy clients: a connection that it keeps for a while, its own row of choices, and how it asks and listens.
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Connection } from './connection.mjs'

const TIMEOUT_MS = 30_000
/** the same for a write whose connection has died without a word */
const LOST_TIMEOUT_MS = 60_000
/** before it asks again, when MAAS was away */
const RETRY_MS = 100
/** manners in which the upstream gives no whole answer */
const UNANSWERED = new Set(['vanish', 'part', 'chunked-part'])
const KEEP_PROBABILITY = 0.85
const API = '/MAAS/api/2.0/'

export class Client {
  #soak
  #connection = null
  #listener = null

  /** @param soak what all share: `{ journal, upstream, way, rotation, listeners }` */
  constructor (soak, random) {
    this.#soak = soak
    this.random = random
  }

  /**
   * A connection to one of these listeners: the one it has, mostly, or a new one.
   * @param names `main`, `socket`, `reading`
   */
  connection (names = ['main', 'socket', 'reading']) {
    const { listeners } = this.#soak
    if (this.#connection?.isOpen !== true || !names.includes(this.#listener.name) ||
      !this.random.chance(KEEP_PROBABILITY)) {
      this.#connection?.close()
      this.#listener = listeners[this.random.pick(names)]
      this.#connection = new Connection(this.#listener.address)
    }
    return this.#connection
  }

  /**
   * Makes a request for the connection it has, and enters it.
   * @param options kind; method, path below the API's root, body; how and size of the answer; access it is due;
   *   refusal, the code of one that is due; fields, header lines more
   */
  request ({ kind, method = 'GET', path = 'machines/', body = null, how = 'plain', size = 100, access = 'signed', refusal = null, fields = [], isChunked = false, version = '1.1' }) {
    const { journal } = this.#soak
    const keys = access === 'anonymous' ? ['nobody'] : this.#listener.keys
    const digest = body === null || body.length === 0 ? '' : createHash('sha256').update(body).digest('hex')
    const request = { kind, method, how, size, body, digest, refusal, keys, listener: this.#listener.name, outcome: 'nothing' }
    request.id = journal.enter(request)
    request.target = `${API}${path}${path.includes('?') ? '&' : '?'}n=${request.id}&how=${how}&size=${size}`
    const length = body === null ? [] : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`]
    request.head = Buffer.from([`${method} ${request.target} HTTP/${version}`, 'Host: localhost', ...length, ...fields].join('\r\n') + '\r\n\r\n')
    request.bytes = Buffer.concat([
      request.head,
      body === null ? Buffer.alloc(0) : isChunked ? chunked(body, this.random) : body
    ])
    return request
  }

  /**
   * Asks, and judges what comes.
   * @param options deliver: sends the requests, in one piece unless it says otherwise
   */
  async ask (requests, { deliver } = {}) {
    const { journal, upstream, way, rotation } = this.#soak
    const connection = this.#connection
    await connection.opened()
    const [wasAway, isLost, keysOf] = [upstream.watch(), way.watch(), rotation.watch()]
    const giveUp = () => {
      journal.report('no answer in time', requests.map(({ kind, method, target }) => `${kind} ${method} ${target}`).join(', '))
      connection.abort()
    }
    let timer = setTimeout(() => {
      if (isLost()) timer = setTimeout(giveUp, LOST_TIMEOUT_MS - TIMEOUT_MS)
      else giveUp()
    }, TIMEOUT_MS)
    const sent = deliver?.(connection) ?? connection.send(Buffer.concat(requests.map(({ bytes }) => bytes)))
    for (const request of requests) {
      const answer = await connection.answer(request.method)
      if (request.keys.length > 1) request.keys = keysOf()
      journal.judge(request, answer, { mayFail: UNANSWERED.has(request.how) || wasAway(), mayBeLost: isLost() })
    }
    await sent
    clearTimeout(timer)
    if (connection.stray > 0) journal.report('more than was asked for', `${connection.stray} bytes after ${requests[0].target}`)
    for (const request of requests) Object.assign(request, { body: null, bytes: null, head: null })
    if (requests.some(({ outcome }) => outcome.startsWith('MAAS_PROXY_UPSTREAM'))) await wait(RETRY_MS)
  }

  /** Asks, and leaves without an answer. */
  async leave (request, deliver) {
    const connection = this.#connection
    await connection.opened()
    await deliver(connection)
    connection.abort()
    request.outcome = 'left'
    this.#soak.journal.count('seen: left')
    Object.assign(request, { body: null, bytes: null, head: null })
  }

  close () { this.#connection?.close() }
}

/** A body in chunks of any size. */
function chunked (body, random) {
  const parts = []
  for (let at = 0; at < body.length;) {
    const part = body.subarray(at, at + 1 + random.size(64 * 1024))
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
    at += part.length
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}
