import t from 'tap'
import { once } from 'node:events'
import { spawn, spawnSync } from 'node:child_process'
import { Writable } from 'node:stream'
import { printOverview } from '../../src/cli/overview.ts'
import { createLogger, type LogFormat } from '../../src/observe/log/logger.ts'
import { prettyFormatter } from '../../src/observe/log/pretty.ts'
import { formatMs } from '../../src/observe/log/request-line.ts'
import type { RunningProxy } from '../../src/proxy/running-proxy.ts'
import { columnsOf, cutMiddle, noPaint, paintFor } from '../../src/text/terminal.ts'
import { ENVIRONMENT, PROGRAM } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

/** A stream that keeps what is written to it. */
function memory (properties: object = {}) {
  let text = ''
  const stream = new Writable({ write (chunk, _encoding, done) { text += chunk; done() } })
  return { stream: Object.assign(stream, properties), text: () => text }
}

const TIME = '2026-11-27T01:02:03.456Z'
const LOCAL = new Date(TIME).toTimeString().slice(0, 8)
const REQUEST = {
  level: 30,
  time: TIME,
  msg: 'request',
  id: 'req-1',
  method: 'GET',
  path: '/MAAS/api/2.0/machines/',
  queryKeys: ['op', 'secret'],
  op: 'is_registered',
  access: 'signed',
  status: 200,
  bytes: 17,
  ms: 12.3,
  upstreamMs: 11,
  complete: true
}
const MOVED = { ...REQUEST, op: undefined, path: '/', access: undefined, ms: 0.4 }

/** What a record looks like, without colours and without its time. */
function show (record: object, columns = Infinity): string[] {
  const text = prettyFormatter({ paint: noPaint, columns: () => columns })(JSON.stringify(record))
  return text.split('\n').slice(0, -1).map(line => line.replace(LOCAL, '').trimStart())
}

t.test('a request is one line, with its error on the lines below', async t => {
  const rows: Array<[record: object, lines: readonly string[], reason: string]> = [
    [REQUEST, ['GET     /MAAS/api/2.0/machines/?op=is_registered      200  signed       12 ms'],
      'method, path, operation, status, access, time'],
    [{ ...REQUEST, client: 'alice' },
      ['GET     /MAAS/api/2.0/machines/?op=is_registered      200  signed       12 ms  alice'],
      'the client, if it has a name'],
    [MOVED, ['GET     /                                             200              0.4 ms'], 'a page of the proxy'],
    [{ ...REQUEST, op: undefined, status: 404, hint: 'look elsewhere' },
      ['GET     /MAAS/api/2.0/machines/                       404  signed       12 ms', 'hint: look elsewhere'],
      'an error of MAAS'],
    [{ ...MOVED, method: 'DELETE', status: 403, error: 'MAAS_PROXY_WRITE_REFUSED' }, [
      'DELETE  /                                             403              0.4 ms',
      'error: the proxy is read-only (MAAS_PROXY_WRITE_REFUSED)', 'hint: start it without --read-only'
    ], 'an error of the proxy'],
    [{ ...REQUEST, op: 'unknown', opUnknown: 'its form has more than 1 MiB' },
      ['GET     /MAAS/api/2.0/machines/                       200  signed       12 ms',
        'note: the operation is unknown: its form has more than 1 MiB'], 'a form whose operation is not known'],
    [{ ...MOVED, wouldRefuse: '--deny "GET **"' },
      ['GET     /                                             200              0.4 ms',
        'note: would be refused by --deny "GET **"'], 'a rule that only warns'],
    [{ ...MOVED, status: undefined, complete: false },
      ['GET     /                                             ---              0.4 ms',
        'note: the client did not get the whole answer'], 'a client that left'],
    [{ ...MOVED, path: undefined, status: 400 },
      ['GET     (a target that is no path)                    400              0.4 ms'], 'a target that was rejected'],
    [{ ...REQUEST, op: 'a\u001b[31m' },
      ['GET     /MAAS/api/2.0/machines/?op=a?[31m             200  signed       12 ms'],
      'what a terminal would act on'],
    [{ ...REQUEST, msg: 'audit' }, [], 'the audit record, which says the same']
  ]
  for (const [record, lines, reason] of rows) t.strictSame(show(record), lines, reason)
  t.notMatch(show(REQUEST).join(''), /secret/, 'no other part of the query')
})

t.test('a narrow terminal cuts a path in its middle, not the rest', async t => {
  const record = { ...REQUEST, path: '/MAAS/api/2.0/nodes/abc123/blockdevices/17/', op: 'create_partition' }
  t.strictSame(show(record),
    ['GET     /MAAS/api/2.0/nodes/abc123/blockdevices/17/?op=create_partition  200  signed       12 ms'], 'enough room')
  t.strictSame(show(record, 80), ['GET     /MAAS/api/2.0/node…p=create_partition  200  signed       12 ms'],
    '80 columns')
  t.strictSame(show(record, 40), ['GET     /MAAS/…ition  200  signed       12 ms'],
    'too few: the ends of the path stay')
  for (const columns of [70, 80, 100]) {
    const text = prettyFormatter({
      paint: noPaint,
      columns: () => columns
    })(JSON.stringify({ ...record, client: 'alice' }))
    t.ok(text.trimEnd().length <= columns, `${columns} columns`)
  }
  const cuts: Array<[text: string, length: number, wanted: string]> = [['abcdef', 6, 'abcdef'], ['abcdef', 5, 'ab…ef'],
    ['abcdef', 4, 'ab…f'], ['abcdef', 1, '…']]
  for (const [text, length, wanted] of cuts) t.equal(cutMiddle(text, length), wanted)
})

t.test('other records show level, message and fields', async t => {
  const record = { level: 30, time: TIME, msg: 'MAAS answers', version: '3.4.5', text: 'two words', list: [1] }
  const rows: Array<[record: object, lines: readonly string[], reason: string]> = [
    [record, ['info    MAAS answers  version=3.4.5  text="two words"  list=[1]'], 'fields'],
    [{ level: 40, time: TIME, msg: 'not ready', reason: 'no route', remedy: 'check the VPN' },
      ['warn    not ready: no route', 'hint: check the VPN'], 'a reason and what to do'],
    [{
      level: 40,
      time: TIME,
      msg: 'MAAS refused',
      code: 'X',
      cause: { name: 'Error', message: 'connect ECONNREFUSED' }
    },
    ['warn    MAAS refused: connect ECONNREFUSED  code=X'], 'an error behind it'],
    [{ level: 60, time: TIME, msg: 'broken', stack: 'Error: x\n    at y' }, ['fatal   broken', 'Error: x', 'at y'],
      'a stack'],
    [{ level: 35, time: TIME, msg: 'odd' }, ['35      odd'], 'a level without a name'],
    [{ level: 30, time: TIME, msg: 'a\u001b[31m\nb' }, ['info    a?[31m?b'], 'what a terminal would act on'],
    [{ level: 30, time: TIME, msg: 'listening', address: 'x' }, [], 'what the overview says']
  ]
  for (const [record, lines, reason] of rows) t.strictSame(show(record), lines, reason)
  t.match(prettyFormatter({ paint: noPaint, columns: () => 80 })(JSON.stringify(record)),
    new RegExp(`^${LOCAL}  info`), 'the time is that of this place')
})

t.test('durations are printed in few characters', async t => {
  const rows: Array<[ms: number, wanted: string]> = [[0.04, '0.0 ms'], [9.94, '9.9 ms'], [9.96, '10 ms'],
    [9999, '9999 ms'], [9999.6, '10.0 s'], [900_000, '900.0 s']]
  for (const [ms, wanted] of rows) t.equal(formatMs(ms), wanted)
})

t.test('colours are for terminals that have them, unless the environment says otherwise', async t => {
  const terminal = memory({ isTTY: true, columns: 80 }).stream
  const pipe = memory().stream
  const rows: Array<[stream: Writable, env: Record<string, string>, isColored: boolean, reason: string]> = [
    [terminal, { TERM: 'xterm' }, true, 'a terminal'],
    [terminal, { TERM: 'dumb' }, false, 'one without colours'],
    [terminal, { TERM: 'xterm', NO_COLOR: '1' }, false, 'NO_COLOR'],
    [pipe, { TERM: 'xterm' }, false, 'a pipe'],
    [pipe, { FORCE_COLOR: '1' }, true, 'FORCE_COLOR'],
    [pipe, { FORCE_COLOR: '' }, true, 'an empty FORCE_COLOR, as Node takes it'],
    [terminal, { TERM: 'xterm', FORCE_COLOR: '0' }, false, 'FORCE_COLOR=0']
  ]
  for (const [stream, env, isColored, reason] of rows) {
    t.equal(paintFor(stream, env)('red', 'x'),
      isColored ? '\u001b[31mx\u001b[39m' : 'x', reason)
  }
  t.equal(columnsOf(terminal), 80)
  t.equal(columnsOf(memory({ isTTY: true, columns: 0 }).stream), Infinity, 'a terminal that does not say it')
  t.equal(columnsOf(memory({ isTTY: true }).stream), Infinity, 'nor does this')
  t.equal(columnsOf(memory({ columns: 80 }).stream), Infinity, 'a file is not cut')
})

t.test('the log for people is coloured and cut as its terminal wants it', async t => {
  const { stream, text } = memory({ isTTY: true, columns: 74 })
  const logger = createLogger('info', 'pretty', stream, { env: { TERM: 'xterm' } })
  const { level: _level, time: _time, msg: _msg, ...fields } = REQUEST
  logger.info(fields, 'request')
  logger.info({ ...fields, status: 200, path: '/x' }, 'audit')
  logger.warn({ remedy: 'look' }, 'odd')
  logger.print?.('as it is\n')
  logger.info({ ...fields, status: 999 }, 'request')
  const seen = text().replaceAll('\u001b', '^')
  t.match(seen,
    /\^\[1mGET {3}\^\[22m {2}\^\[2m\/MAAS\/api\/2\.0\/\^\[22mm…p=is_registered {2}\^\[32m200\^\[39m.*12 ms\n/)
  t.match(seen, /\^\[33mwarn {2}\^\[39m {2}odd\n {18}\^\[36mhint\^\[39m: look\nas it is\n.*\^\[31m999\^\[39m/,
    'a status that no table has')
  t.equal(text().split('\n').length, 6, 'and nothing of the audit record')
})

t.test('a log for programs has its levels as numbers, or as names', async t => {
  const { stream, text } = memory()
  createLogger('info', 'json', stream).warn('one')
  createLogger('info', 'json', stream, { levelFormat: 'name' }).warn('two')
  t.match(text().trim().split('\n').map(line => JSON.parse(line)),
    [{ level: 40, msg: 'one' }, { level: 'warn', msg: 'two' }])
  const people = memory()
  createLogger('info', 'pretty', people.stream, { levelFormat: 'name' }).warn('three')
  t.match(people.text(), /warn {4}three/, 'people read names anyway')
})

t.test('the overview is printed on a terminal at level info only', async t => {
  let asked = 0
  const proxyAt = (adminAddress: string | null) => (
    { adminAddress, facts: async () => { asked++; return [] } } as unknown as RunningProxy
  )
  const rows: Array<[level: 'info' | 'warn', format: LogFormat, isPrinted: boolean, reason: string]> = [
    ['info', 'pretty', true, 'people'],
    ['warn', 'pretty', false, 'people who want to see warnings only'],
    ['info', 'json', false, 'programs']
  ]
  for (const [level, format, isPrinted, reason] of rows) {
    const { stream, text } = memory()
    asked = 0
    await printOverview(proxyAt('http://0.0.0.0:9'), createLogger(level, format, stream), noPaint)
    t.equal(text(), isPrinted ? '\n  for operators: http://127.0.0.1:9/\n\n' : '', reason)
    t.equal(asked, Number(isPrinted), 'and MAAS is asked for nobody else')
  }
  const { stream, text } = memory()
  await printOverview(proxyAt(null), createLogger('info', 'pretty', stream), noPaint)
  t.notMatch(text(), 'operators', 'no address for operators')
})

const SCRIPT = (spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '').includes('util-linux')

t.test('a terminal shows the overview, and then a line for each request',
  { skip: !SCRIPT && 'there is no script of util-linux to make a terminal with' }, async t => {
    const upstream = await rawUpstream(t)
    const env = {
      ...ENVIRONMENT,
      TERM: 'xterm',
      SHELL: '/bin/sh',
      MAAS_URL: upstream.url,
      MAAS_API_KEY: Object.values(KEY).join(':')
    }
    const quoted = [...PROGRAM, '--listen', '127.0.0.1:0', '--log-level', 'debug'].map(word => `'${word}'`).join(' ')
    const child = spawn('script', ['--quiet', '--return', '--command', `echo pid $$; exec ${quoted}`, '/dev/null'],
      { env, cwd: '/' })
    t.after(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', chunk => { output += chunk })
    const ended = once(child, 'close')
    const shown = async (pattern: RegExp) => {
      await until(`the terminal shows ${pattern}`, () => pattern.test(output))
    }
    await shown(/curl .*whoami'/)
    t.match(output, /listens on.*http:\/\/127\.0\.0\.1:\d+\r\n.*MAAS.*\/MAAS\r\n[^]*mode.*reads and writes/,
      'what listens, for whom, and what is allowed')
    const [, port] = /listens on.*http:\/\/127\.0\.0\.1:(\d+)/.exec(output) ?? []
    const [, pid] = /pid (\d+)/.exec(output) ?? []
    t.match(await exchange(Number(port), get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /)
    await shown(/GET .*machines\/.*200.*signed/)
    process.kill(Number(pid), 'SIGTERM')
    t.equal((await ended)[0], 0, 'SIGTERM ends it')
  })
