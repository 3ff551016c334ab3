// npm run bench:micro: what each step of a request costs by itself, on the built code: microseconds of CPU and bytes
// allocated per call, the median of several rounds. It fails if the whole of admit takes 5 µs or more.
import { hash } from 'node:crypto'
import { browserGuard, checkBrowser } from '../../dist/admit/browser.js'
import { TokenIdentifier } from '../../dist/admit/token-identifier.js'
import { checkFraming } from '../../dist/admit/framing.js'
import { findDecision } from '../../dist/admit/operation.js'
import { createClassifier } from '../../dist/admit/classify.js'
import { parseTarget } from '../../dist/admit/target.js'
import { Exchange } from '../../dist/exchange/exchange.js'
import { requestHeaders } from '../../dist/forward/request-headers.js'
import { responseHead } from '../../dist/forward/response-head.js'
import { decideAccess } from '../../dist/maas/access.js'
import { parseApiKey } from '../../dist/maas/api-key.js'
import { createSigner } from '../../dist/maas/sign.js'
import { accessLog } from '../../dist/observe/log/access-log.js'
import { createLogger } from '../../dist/observe/log/logger.js'
import { Traffic } from '../../dist/observe/metrics/traffic.js'
import { Activity } from '../../dist/proxy/activity.js'
import { loadConfig } from '../../dist/settings/load.js'

const CALLS = 200_000
/**
 * calls while allocations are counted: few enough to fit into the space of new objects, which a collection would empty
 */
const COUNTED = 200
const ROUNDS = 7
const LIMIT_US = 5

const target = '/MAAS/api/2.0/machines/abc123/?op=power_on&comment=a%20b'
const rawHeaders = ['Host', 'localhost:5241', 'User-Agent', 'curl/7.88.1', 'Accept', '*/*', 'Authorization', 'OAuth x', 'Content-Type', 'application/x-www-form-urlencoded', 'Content-Length', '0']
const headers = Object.fromEntries(rawHeaders.map((name, i) => [name.toLowerCase(), rawHeaders[i + 1]])
  .filter((_, i) => i % 2 === 0))
const request = { method: 'POST', httpVersion: '1.1', headers, rawHeaders, socket: {} }
const answer = ['Server', 'nginx', 'Date', 'Tue, 24 Nov 2026 00:00:00 GMT', 'Content-Type', 'application/json; charset=utf-8', 'Content-Length', '1024', 'Connection', 'keep-alive', 'Vary', 'Authorization, Cookie', 'X-MAAS-API-Hash', 'a'.repeat(40), 'X-Frame-Options', 'DENY'].map(text => Buffer.from(text))

const key = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const config = async flags => (await loadConfig(flags, { MAAS_URL: 'http://127.0.0.1:5240/MAAS', MAAS_API_KEY: key, MAAS_PROXY_ENV_FILE: '/dev/null' })).listeners[0]
const plain = await config({})
const ruled = await config({ allow: ['GET machines/**', 'POST machines/*?op=power_on', ...Array.from({ length: 48 }, (_, i) => `* tags/tag${i}`)], deny: ['DELETE **'] })
const [classifyPlain, classifyRuled] = [createClassifier(plain), createClassifier(ruled)]
const guard = browserGuard({ host: '127.0.0.1', port: 5241 }, [], [])
const clientNamed = name => ({ name, policy: null, expires: null })
const clients = [['alice', 'x'], ['bob', 'y']]
  .map(([name, letter]) => ({ ...clientNamed(name), digest: hash('sha256', letter.repeat(48)) }))
const tokens = new TokenIdentifier({ clients, workloads: null, clientNamed })
const withToken = [...rawHeaders, 'MAAS-Proxy-Token', 'y'.repeat(48)]
const sign = createSigner(parseApiKey(key))
const parsed = parseTarget(target)
const operation = { method: 'POST', path: '/MAAS/api/2.0/machines/abc123/', op: 'power_on', fromPath: false }

/** The steps of the hook in `admit/plugin.ts`. */
function admit (options, classify, target) {
  const exchange = new Exchange()
  checkFraming(request)
  const { target: parsedTarget, decision } = classify('POST', target)
  exchange.target = parsedTarget
  checkBrowser(request, guard)
  const classified = {
    request, response: null, target: parsedTarget, decision, askedAccess: undefined, isContinueSent: false
  }
  findDecision(classified, options, final => { exchange.operation = final.decision.operation })
}

let asked = 0
/** A target that has not been asked for before. */
const newTarget = () => `${target}&n=${asked++}`

const logger = createLogger('info', 'json', { write: () => true })
const logged = Object.assign(new Exchange(), { target: parsed, operation, access: 'signed', attempts: 1, responseBytes: 1024, answeredAt: performance.now() })
const outcome = { request: { id: 'req-1', method: 'POST', log: logger, raw: request }, exchange: logged, status: 200, complete: true, ms: 1.23 }
const traffic = new Traffic()
const activity = new Activity(traffic)
const log = accessLog(() => logger)

const steps = {
  'admit, whole': () => admit(plain, classifyPlain, newTarget()),
  'admit, whole, with 51 rules': () => admit(ruled, classifyRuled, newTarget()),
  'admit, whole, of a target asked for before': () => admit(ruled, classifyRuled, target),
  'admit: framing': () => checkFraming(request),
  'admit: target and query': () => parseTarget(target),
  'admit: browser guard': () => checkBrowser(request, guard),
  'admit: policy, 51 rules': () => ruled.policy.decide(operation),
  'admit: client token, where they are used': () => tokens.identify({ rawHeaders: withToken }),
  classify: () => decideAccess(plain.anonymousOperations.kindOf(operation), 'signed', undefined),
  sign: () => sign(),
  'head of a request': () => requestHeaders(rawHeaders, undefined, 'OAuth'),
  'head of an answer': () => responseHead(200, 'OK', answer),
  'count for the metrics': () => traffic.add(outcome),
  'log, without the writing': () => log(outcome),
  'note for the page of operators': () => activity.observe(outcome)
}
if (parsed.query.length !== 2) throw new Error('the sample request is not what it should be')

const median = values => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]

let failed = false
console.log(`${'step'.padEnd(42)} µs/call  bytes/call`)
for (const [name, step] of Object.entries(steps)) {
  for (let i = 0; i < CALLS / 4; i++) step()
  const rounds = Array.from({ length: ROUNDS }, () => {
    globalThis.gc()
    const heap = process.memoryUsage().heapUsed
    for (let i = 0; i < COUNTED; i++) step()
    const bytes = (process.memoryUsage().heapUsed - heap) / COUNTED
    const before = process.cpuUsage()
    for (let i = 0; i < CALLS; i++) step()
    const { user, system } = process.cpuUsage(before)
    return { us: (user + system) / CALLS, bytes }
  })
  const us = median(rounds.map(round => round.us))
  if (name.startsWith('admit, whole') && us >= LIMIT_US) failed = true
  console.log(`${name.padEnd(42)} ${us.toFixed(2).padStart(7)}  ${median(rounds.map(round => round.bytes)).toFixed(0).padStart(10)}`)
}
if (failed) console.log(`admit takes ${LIMIT_US} µs or more`)
process.exitCode = failed ? 1 : 0
