import t from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Exchange } from '../../src/exchange/exchange.ts'
import { accessLog } from '../../src/observe/log/access-log.ts'
import type { Outcome } from '../../src/exchange/plugin.ts'
import { createLogger, resolveLogFormat } from '../../src/observe/log/logger.ts'
import { collectGarbage } from '../../src/performance/collect-when-quiet.ts'
import { descriptorOf } from '../helper/process.ts'
import { until } from '../helper/until.ts'

/** A stream that keeps what is written to it. */
function memory (isTTY?: boolean) {
  let text = ''
  const stream = new Writable({ write (chunk, _encoding, done) { text += chunk; done() } })
  return { stream: isTTY === undefined ? stream : Object.assign(stream, { isTTY }), text: () => text }
}

/** The memory that this process uses after a full collection, in bytes. */
function usedMemory (): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('the format follows the stream unless one is chosen', async t => {
  t.equal(resolveLogFormat('auto', memory(true).stream), 'pretty', 'a terminal')
  t.equal(resolveLogFormat('auto', memory(false).stream), 'json', 'a stream that says that it is none')
  t.equal(resolveLogFormat('auto', memory().stream), 'json', 'a file or a pipe')
  t.equal(resolveLogFormat('json', memory(true).stream), 'json', 'chosen')
})

/** A logger that writes to a new file by its descriptor, as the program writes to its stdout. */
async function fileLogger (t: { testdir: (content: { log: string }) => string, after: (close: () => void) => void }) {
  const path = `${t.testdir({ log: '' })}/log`
  const fd = openSync(path, 'a')
  t.after(() => { closeSync(fd) })
  const logger = createLogger('info', 'json', Object.assign(new Writable(), { fd }))
  return { logger, text: () => readFileSync(path, 'utf8') }
}

t.test('records wait a moment for others, and are written when the log is closed or the process ends', async t => {
  const { logger, text } = await fileLogger(t)
  logger.info('one')
  t.equal(text(), '', 'one write is to serve for many')
  await until('it is written', () => /"one"}\n$/.test(text()))
  logger.info('two')
  await logger.destination.close()
  t.match(text(), /"one"}\n.*"two"}\n$/, 'closed in good order')
})

t.test('records keep their order and their letters, however long they are', async t => {
  const { logger, text } = await fileLogger(t)
  const messages = ['short', '\u00e4'.repeat(5000), '\u{1f600}'.repeat(9000), 'a'.repeat(16_000), 'b'.repeat(17_000), ...Array.from({ length: 500 }, (_, i) => `line ${i} \u20ac`), 'last']
  for (const message of messages) logger.info(message)
  await logger.destination.close()
  t.strictSame(text().trim().split('\n').map(line => JSON.parse(line).msg), messages)
})

for (const format of ['json', 'pretty'] as const) {
  t.test(`a ${format} log that nobody reads costs records, which are counted, and neither memory nor the end of the process`, async t => {
    const reader = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] }) // holds the other end of a pipe, and reads nothing
    reader.stdin.on('error', () => {}) // killed with data unread
    t.after(() => reader.kill())
    const logger = createLogger('info', format, Object.assign(new Writable(), { fd: descriptorOf(reader.stdin) }))
    const record = 'x'.repeat(1000)
    const before = usedMemory()
    for (let i = 0; i < 50; i++) {
      for (let j = 0; j < 1000; j++) logger.info(record)
      await new Promise(resolve => setImmediate(resolve))
    }
    t.ok(usedMemory() - before < 16 * 1024 * 1024, 'of 50 MB hardly any are kept')
    await logger.destination.close()
    reader.kill()
  })
}

t.test('a reader that goes away ends the log and nothing else', async t => {
  const path = `${t.testdir()}/fifo`
  execFileSync('mkfifo', [path])
  const reader = openSync(path, 'r+')
  const fd = openSync(path, 'w')
  t.after(() => { closeSync(fd) })
  const logger = createLogger('info', 'json', Object.assign(new Writable(), { fd }))
  closeSync(reader)
  for (let i = 0; i < 10; i++) {
    logger.info('x'.repeat(8000))
    await new Promise(resolve => setImmediate(resolve))
  }
  await logger.destination.close()
  await logger.destination.close()
  t.pass('the log closes, also when it is asked to again')
})

t.test('when somebody reads again, the log says how many records were lost', async t => {
  const reader = spawn('cat', [], { stdio: ['pipe', 'pipe', 'ignore'] })
  for (const stream of [reader.stdin, reader.stdout]) stream.on('error', () => {}) // killed with data unread
  t.after(() => reader.kill('SIGKILL'))
  let text = ''
  reader.stdout.on('data', chunk => { text += chunk })
  reader.kill('SIGSTOP')
  const logger = createLogger('info', 'json', Object.assign(new Writable(), { fd: descriptorOf(reader.stdin) }))
  for (let i = 0; i < 5000; i++) logger.info('x'.repeat(1000))
  reader.kill('SIGCONT')
  await until('the loss is said', () => {
    logger.info('more')
    return /"records":\d{3,},"msg":"log records were dropped/.test(text)
  })
  await logger.destination.close()
})

t.test('json writes an object per line, pretty writes lines for people', async t => {
  const json = memory()
  const before = new Date().toISOString()
  const logger = createLogger('info', 'json', json.stream)
  logger.info({ port: 1 }, 'listening')
  const { time } = JSON.parse(json.text())
  t.ok(before <= time && time <= new Date().toISOString(), 'the time is the time')
  t.match(JSON.parse(json.text()), { level: 30, time: /^\d{4}-\d\d-\d\dT.*Z$/, port: 1, msg: 'listening' })
  const pretty = memory(true)
  createLogger('info', 'pretty', pretty.stream).info('stopping')
  t.match(pretty.text(), /^\d\d:\d\d:\d\d {2}info {4}stopping\n$/)
  const quiet = memory()
  const silent = createLogger('error', 'json', quiet.stream)
  silent.info('listening')
  t.equal(quiet.text(), '', 'below its level nothing is written')
})

t.test('the record of a request has what is known of it, and its level says whether somebody should look', async t => {
  const { stream, text } = memory()
  const logger = createLogger('info', 'json', stream)
  const write = accessLog(() => logger)
  const request = { id: 'req-1', method: 'GET', raw: { headers: {} } } as unknown as FastifyRequest
  const operation = { method: 'GET', path: '/MAAS/api/2.0/machines/', op: 'who"\\am\u00e4i', fromPath: false }
  const target = { rawPath: '/MAAS/api/2.0/machines/', path: '/MAAS/api/2.0/machines/', query: [] }
  const answered: Partial<Exchange> = { target, operation, access: 'signed', attempts: 1, sentAt: 1, answeredAt: 3.14159 }
  const rows: Array<[
    exchange: Partial<Exchange>, outcome: Partial<Outcome>, wanted: Record<string, unknown>, reason: string
  ]> = [
    [answered, {}, { level: 30, id: 'req-1', method: 'GET', path: target.rawPath, op: 'who"\\am\u00e4i', access: 'signed', status: 200, ms: 12.3, upstreamMs: 2.1, complete: true }, 'an answer of MAAS'],
    [{ ...answered, attempts: 2, client: 'ci', hint: 'says "so"', maasTraceId: 'a'.repeat(32) }, { status: 404 }, { level: 30, attempts: 2, client: 'ci', hint: 'says "so"', maasTraceId: 'a'.repeat(32) }, 'one with all that there can be'],
    [{ ...answered, wouldRefuse: '--deny "GET **"' }, {}, { level: 40, wouldRefuse: '--deny "GET **"' }, 'what rules would have refused'],
    [{ ...answered, operation: { ...operation, op: 'is_registered' }, wouldRefuse: 'no --allow rule', lacksRule: true }, {}, { level: 40, missingRule: 'GET machines/?op=is_registered' }, 'and the rule that would let it pass'],
    [{ lacksRule: true }, {}, { level: 30, missingRule: undefined }, 'none where there is no operation'],
    [{ ...answered, lacksRule: true, opUnknown: 'its form can be read in two ways' }, {}, { level: 30, op: 'unknown', missingRule: undefined }, 'nor where it is not known'],
    [answered, { status: 503 }, { level: 40, status: 503 }, 'a failure of MAAS'],
    [{ error: 'MAAS_PROXY_TARGET_MALFORMED' }, { status: 400 }, { level: 40, error: 'MAAS_PROXY_TARGET_MALFORMED' }, 'a refusal'],
    [{ ...answered, target: { ...target, query: [['a"b', '1'], ['\u001b[31m', '2']] } }, {}, { level: 30, queryKeys: ['a"b', '?[31m'] }, 'names that need escapes'],
    [{}, { status: null, complete: false }, { level: 30, complete: false }, 'a client that left early']
  ]
  const last = () => JSON.parse(text().trim().split('\n').at(-1) ?? '')
  for (const [exchange, outcome, wanted, reason] of rows) {
    write({
      request, exchange: Object.assign(new Exchange(), exchange), status: 200, complete: true, ms: 12.345, ...outcome
    })
    t.match(last(), { ...wanted, time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, msg: 'request' }, reason)
  }
  t.notOk('status' in last() || 'path' in last() || 'attempts' in last(), 'what is not known is left out')
  for (const [id, written, reason] of [['a"b\n', 'a"b\n', 'one with a quote'], [7, 7, 'a number'], [10n, 10, 'a large one'], [null, undefined, 'none'], [undefined, undefined, 'none at all']] as const) {
    write({
      request: { ...request, id } as unknown as FastifyRequest,
      exchange: new Exchange(),
      status: 200,
      complete: true,
      ms: 1
    })
    t.equal(last().id, written, `an id of another's server: ${reason}`)
  }
  logger.level = 'warn'
  const before = text().length
  write({ request, exchange: new Exchange(), status: 200, complete: true, ms: 1 })
  t.equal(text().length, before, 'below its level nothing is written')
})
