import t from 'tap'
import { Writable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Exchange } from '../src/exchange.ts'
import { accessLog, logAccess } from '../src/observe/access-log.ts'
import type { Outcome } from '../src/observe/exchanges.ts'
import { createLogger, resolveLogFormat } from '../src/observe/logger.ts'

/** A stream that keeps what is written to it. */
function memory (isTTY?: boolean) {
  let text = ''
  const stream = new Writable({ write (chunk, _encoding, done) { text += chunk; done() } })
  return { stream: isTTY === undefined ? stream : Object.assign(stream, { isTTY }), text: () => text }
}

t.test('the format follows the stream unless one is chosen', async t => {
  t.equal(resolveLogFormat('auto', memory(true).stream), 'pretty', 'a terminal')
  t.equal(resolveLogFormat('auto', memory(false).stream), 'json', 'a stream that says that it is none')
  t.equal(resolveLogFormat('auto', memory().stream), 'json', 'a file or a pipe')
  t.equal(resolveLogFormat('json', memory(true).stream), 'json', 'chosen')
})

t.test('lines that come within a moment are one write', async t => {
  const writes: string[] = []
  let written = () => {}
  const next = () => new Promise<void>(resolve => { written = resolve })
  const logger = await createLogger('info', 'json', new Writable({ write (chunk, _encoding, done) { writes.push(String(chunk)); done(); written() } }))
  const first = next()
  logger.info('one')
  await new Promise(resolve => setImmediate(resolve))
  logger.info('two')
  await first
  t.match(writes, [/one.*\n.*two.*\n$/], 'by themselves, after a while')
  logger.info('three')
  logger.flush()
  t.match(writes[1], /three/, 'at once, when asked to')
  const second = next()
  logger.info('four')
  await second
  t.match(writes[2], /four/, 'and by themselves again')
  t.equal(writes.length, 3)
})

t.test('lines keep their order and their letters, however long they are', async t => {
  const { stream, text } = memory()
  const logger = await createLogger('info', 'json', stream)
  const messages = ['short', '\u00e4'.repeat(5000), '\u{1f600}'.repeat(9000), 'a'.repeat(16_000), 'b'.repeat(17_000), ...Array.from({ length: 500 }, (_, i) => `line ${i} \u20ac`), 'last']
  for (const message of messages) logger.info(message)
  logger.flush()
  t.strictSame(text().trim().split('\n').map(line => JSON.parse(line).msg), messages)
})

t.test('json is one object a line, pretty is for people', async t => {
  const json = memory()
  const before = new Date().toISOString()
  const logger = await createLogger('info', 'json', json.stream)
  logger.info({ port: 1 }, 'listening')
  t.equal(json.text(), '', 'nothing is written before others had a moment to come along')
  logger.flush()
  const { time } = JSON.parse(json.text())
  t.ok(before <= time && time <= new Date().toISOString(), 'the time is the time')
  t.match(JSON.parse(json.text()), { level: 30, time: /^\d{4}-\d\d-\d\dT.*Z$/, port: 1, msg: 'listening' })
  const pretty = memory(true)
  const printer = await createLogger('info', 'pretty', pretty.stream)
  printer.info('listening')
  await new Promise(resolve => setImmediate(resolve))
  // eslint-disable-next-line no-control-regex -- colours are what is looked for
  t.match(pretty.text(), /\x1b\[.*INFO.*listening/)
  const quiet = memory()
  const silent = await createLogger('error', 'json', quiet.stream)
  silent.info('listening')
  silent.flush()
  t.equal(quiet.text(), '', 'below its level nothing is written')
})

t.test('the time is in UTC, as ISO 8601 has it', async t => {
  const { stream, text } = memory()
  const logger = await createLogger('info', 'json', stream)
  const rows: Array<[time: string, reason: string]> = [
    ['2026-11-25T10:20:30.400Z', 'nothing to fill up'],
    ['2027-01-02T03:04:05.006Z', 'every part filled up'],
    ['2027-01-02T03:04:05.007Z', 'another millisecond of the same second'],
    ['2027-01-02T03:04:05.007Z', 'the same millisecond'],
    ['2028-02-29T23:59:59.999Z', 'a leap day'],
    ['2028-01-01T00:00:00.000Z', 'the clock was put back']
  ]
  let now = 0
  t.intercept(Date, 'now', { value: () => now })
  for (const [time, reason] of rows) {
    now = Date.parse(time)
    logger.info(reason)
  }
  logger.flush()
  t.strictSame(text().trim().split('\n').map(line => JSON.parse(line)).map(({ time, msg }) => [time, msg]), rows)
})

t.test('the record of a request is the same through a logger of ours and through any other', async t => {
  const { stream, text } = memory()
  const logger = await createLogger('info', 'json', stream)
  const write = accessLog(logger)
  const request = { id: 'req-1', method: 'GET', log: logger, raw: { headers: {} } } as unknown as FastifyRequest
  const operation = { method: 'GET', path: '/MAAS/api/2.0/machines/', op: 'who"\\am\u00e4i', fromPath: false }
  const answered: Partial<Exchange> = { target: { rawPath: '/MAAS/api/2.0/machines/', path: '/MAAS/api/2.0/machines/', query: [] }, operation, access: 'signed', attempts: 1, sentAt: 1, answeredAt: 3.14159 }
  const rows: Array<[exchange: Partial<Exchange>, outcome: Partial<Outcome>, level: number, reason: string]> = [
    [answered, {}, 30, 'an answer of MAAS'],
    [{ ...answered, attempts: 2, client: 'ci', hint: 'says "so"', maasTraceId: 'a'.repeat(32) }, { status: 404 }, 30, 'one with all that there can be'],
    [{ ...answered, wouldRefuse: '--deny "GET **"' }, {}, 40, 'what rules would have refused'],
    [answered, { status: 503 }, 40, 'a failure of MAAS'],
    [{ error: 'MAAS_PROXY_TARGET_MALFORMED' }, { status: 400 }, 40, 'a refusal'],
    [{ ...answered, target: { rawPath: '/MAAS/"', path: '/MAAS/"', query: [['a"b', '1'], ['\u001b[31m', '2']] }, operation: { ...operation } }, {}, 30, 'names that need escapes'],
    [{}, { status: null, complete: false }, 30, 'a client that left early']
  ]
  for (const [exchange, outcome, level, reason] of rows) {
    const whole: Outcome = { request, exchange: Object.assign(new Exchange(), exchange), status: 200, complete: true, ms: 12.345, ...outcome }
    const before = text().length
    write(whole)
    logAccess(whole)
    logger.flush()
    const [ours = '', theirs = '', rest] = text().slice(before).split('\n')
    t.strictSame({ ...JSON.parse(ours), time: '' }, { ...JSON.parse(theirs), time: '' }, reason)
    t.strictSame(Object.keys(JSON.parse(ours)), Object.keys(JSON.parse(theirs)), `${reason}: in the same order`)
    t.match(JSON.parse(ours), { level, time: /Z$/, msg: 'request' }, reason)
    t.equal(rest, '', 'a line each')
  }
  for (const [id, written, reason] of [['a"b\n', 'a"b\n', 'one with a quote'], [7, 7, 'a number'], [10n, 10, 'a large one'], [null, undefined, 'none'], [undefined, undefined, 'none at all']] as const) {
    const before = text().length
    logAccess({ request: { ...request, id } as unknown as FastifyRequest, exchange: new Exchange(), status: 200, complete: true, ms: 1 })
    logger.flush()
    t.equal(JSON.parse(text().slice(before)).id, written, `an id of another's server: ${reason}`)
  }
  logger.level = 'warn'
  const before = text().length
  write({ request, exchange: new Exchange(), status: 200, complete: true, ms: 1 })
  logger.flush()
  t.equal(text().length, before, 'below its level nothing is written')
})
