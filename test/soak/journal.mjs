// What was asked and what came of it, and at the end whether the upstream's ledger agrees: no write twice or lost,
// nothing unsigned or signed by another key than is due, no nonce twice, no changed byte.
import { readFileSync } from 'node:fs'
import { answerBody, EARLY_SIZE, statusOf } from './answers.mjs'

const SHOWN_VIOLATIONS = 10
const READING = new Set(['GET', 'HEAD'])
/** What the proxy may say while the upstream is away. */
const AWAY = new Set(['MAAS_PROXY_UPSTREAM_REFUSED', 'MAAS_PROXY_UPSTREAM_CLOSED'])
/** What it may say when connections have died without a word. */
const LOST = new Set(['MAAS_PROXY_UPSTREAM_LOST', 'MAAS_PROXY_CONNECT_TIMED_OUT'])
/** What the proxy asks of its own accord, for its time and its key. */
const OWN = new Set(['/MAAS/api/2.0/version/', '/MAAS/api/2.0/users/?op=whoami'])
const MASKED = Buffer.from('Invalid signature: ')

export class Journal {
  violations = 0
  shown = []
  /** how often each thing was done or seen */
  counts = new Map()
  #requests = new Map()
  #secrets

  constructor (secrets) {
    this.#secrets = secrets
  }

  /** Notes something that must never happen. */
  report = (what, detail) => {
    this.violations++
    this.count(`violation: ${what}`)
    if (this.shown.length < SHOWN_VIOLATIONS) this.shown.push(`${what}: ${detail}`)
  }

  count (what) { this.counts.set(what, (this.counts.get(what) ?? 0) + 1) }

  /** Enters a request before its first byte is sent. @returns its id */
  enter (request) {
    const id = `r${this.#requests.size}r`
    this.#requests.set(id, request)
    this.count(`asked: ${request.kind}`)
    return id
  }

  /**
   * Judges what came in answer to a request.
   * @param answer as `Connection.answer` gives it
   * @param may mayFail: whether the upstream was away meanwhile, or gives no whole answer; mayBeLost: whether the
   *   connection to it can have died without a word
   */
  judge (request, answer, may) {
    const problem = this.#judge(request, answer, may)
    this.count(`seen: ${request.outcome}`)
    if (problem !== null) this.report(problem, `${request.kind} ${request.method} ${request.target} of ${request.listener}: ${answer === null ? 'nothing' : `${answer.status} ${answer.headers['maas-proxy-error'] ?? ''} ${answer.body.length} bytes ${answer.body.toString('latin1', 0, 60)}`}`)
  }

  #judge (request, answer, { mayFail, mayBeLost }) {
    request.outcome = 'cut off'
    if (answer === null) return mayFail ? null : 'no answer'
    if (this.#secrets.some(secret => answer.body.includes(secret))) return 'a secret in an answer'
    const code = answer.headers['maas-proxy-error']
    if (code !== undefined && answer.isWhole) {
      request.outcome = code
      if (code === request.refusal) return null
      if (request.method !== 'HEAD' && JSON.parse(answer.body).error?.code !== code) return 'an error without its body'
      if (LOST.has(code) && answer.status === 504 && mayBeLost) return null
      return AWAY.has(code) && answer.status === 502 && mayFail ? null : 'an error that was not due'
    }
    if (request.refusal !== null) return 'a request that was to be refused'
    const { how } = request
    const expected = request.method === 'HEAD' ? Buffer.alloc(0) : how === 'secret' ? MASKED : answerBody({ ...request, size: how === 'early' ? EARLY_SIZE : request.size, digest: how === 'early' ? '' : request.digest })
    if (!answer.isWhole) {
      if (answer.body.length > 0 && !expected.subarray(0, answer.body.length).equals(answer.body)) return 'a wrong part of an answer'
      return mayFail ? null : 'an answer cut off'
    }
    request.outcome = 'answered'
    if (answer.status !== statusOf(how)) return 'a wrong status'
    return (how === 'secret' ? answer.body.subarray(0, MASKED.length) : answer.body).equals(expected) ? null : 'a wrong answer'
  }

  /** Compares with the ledger, when all is over. */
  compare (ledger) {
    const nonces = new Set()
    const arrivals = new Map([...this.#requests.keys()].map(id => [id, { heads: 0, wholes: 0 }]))
    for (const [what, id, ...fields] of readFileSync(ledger, 'utf8').split('\n').filter(line => line !== '').map(JSON.parse)) {
      const request = this.#requests.get(id)
      if (what === 'head') {
        const [method, target, key, nonce] = fields
        if (nonce !== '' && nonces.has(nonce)) this.report('a nonce twice', `${method} ${target}`)
        nonces.add(nonce)
        const due = request?.keys ?? (target.includes('whoami') ? ['first', 'second', 'other'] : ['nobody'])
        if (!due.includes(key)) this.report('signed otherwise than is due', `${method} ${target}: by ${key} instead of ${due.join(' or ')}`)
        if (request !== undefined && (method !== request.method || target !== request.target)) this.report('a changed request', `${method} ${target} instead of ${request.method} ${request.target}`)
      }
      if (request === undefined) {
        if (what === 'head' && !OWN.has(fields[1])) this.report('a request that nobody made', `${fields[0]} ${fields[1]}`)
        continue
      }
      const arrived = arrivals.get(id)
      arrived[what === 'head' ? 'heads' : 'wholes']++
      if (what === 'whole' && fields[0] !== request.digest) this.report('a changed body', `${request.method} ${request.target}`)
    }
    for (const [id, { heads, wholes }] of arrivals) this.#compare(this.#requests.get(id), heads, wholes)
  }

  #compare (request, heads, wholes) {
    const { method, target, kind, outcome, refusal, how } = request
    const write = !READING.has(method)
    const told = `${kind} ${method} ${target} (${outcome}): came ${heads} times, whole ${wholes} times`
    if (refusal !== null && heads > 0) this.report('a refused request was sent', told)
    if (heads > (write ? 1 : 2)) this.report('sent twice', told)
    if (outcome === 'answered' && how === 'vanish') this.report('an answer that nobody gave', told)
    if (outcome === 'answered' && (heads === 0 || (wholes === 0 && how !== 'early'))) this.report('answered without having been sent', told)
    if (write) this.count(`writes: ${outcome === 'answered' ? 'answered' : 'not answered'}, ${wholes === 0 ? 'not done' : wholes === 1 ? 'done once' : 'done twice'}`)
  }
}
