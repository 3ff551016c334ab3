import t, { type Test } from 'tap'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseRecording } from '../../src/observe/recording/recording-format.ts'
import { get, exchange, listenOn, rawUpstream } from '../helper/sockets.ts'
import { KEY, startTestProxy, testConfig, type TestProxy } from '../helper/proxy.ts'
import { runHere, startProgram } from '../helper/process.ts'
import { until } from '../helper/until.ts'

const TAGS = get('/MAAS/api/2.0/tags/')
const SETTINGS = { MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` }
const EMPTY = '{"format":"maas-auth-proxy recording","version":1,"operations":[\n],"others":[\n]}\n'

/** How often the tags were asked for, as a file says; -1 if there is none. */
function countIn (file: string): number {
  if (!existsSync(file)) return -1
  return parseRecording(readFileSync(file, 'utf8')).operations.reduce((sum, { count }) => sum + count, 0)
}

async function startRecording (t: Test, file: string, url?: string): Promise<TestProxy> {
  return await startTestProxy(t, testConfig(url ?? (await rawUpstream(t)).url, { learn: [file] }))
}

t.test('a recording goes on where it ended, and leaves nothing beside it', async t => {
  const dir = t.testdir({})
  const file = `${dir}/work.json`
  for (const round of [1, 2, 3]) {
    const proxy = await startRecording(t, file)
    t.equal(countIn(file), round - 1, 'the file is there from the start')
    await exchange(proxy.port, TAGS)
    await proxy.stop()
    t.equal(countIn(file), round, `after ${round} runs`)
    t.strictSame(readdirSync(dir), ['work.json'])
  }
  symlinkSync('work.json', `${dir}/link`)
  const proxy = await startRecording(t, `${dir}/link`)
  await exchange(proxy.port, TAGS)
  await proxy.stop()
  t.ok(lstatSync(`${dir}/link`).isSymbolicLink(), 'a link stays one')
  t.equal(countIn(file), 4, 'and the file that it leads to is written')
})

t.test('what is cut off has its place in the recording too', async t => {
  const silent = createServer(() => {})
  const file = `${t.testdir({})}/work.json`
  const proxy = await startRecording(t, file, `http://127.0.0.1:${await listenOn(t, silent)}/MAAS`)
  const asked = exchange(proxy.port, TAGS)
  await until('MAAS has the request', async () => await new Promise(resolve => { silent.getConnections((_error, count) => { resolve(count > 0) }) }))
  const stopped = proxy.stop()
  await proxy.cutOff()
  t.equal(countIn(file), 1)
  await Promise.all([asked, stopped])
  silent.close()
})

t.test('a process that is killed loses the last seconds at most, and the next one goes on', async t => {
  const dir = t.testdir({})
  const file = `${dir}/work.json`
  const start = async () => {
    const { url } = await rawUpstream(t)
    const program = startProgram(t, ['serve', '--learn', file, '--listen', '127.0.0.1:0', '--log-format', 'json'], { ...SETTINGS, MAAS_URL: url })
    await program.printed('"msg":"listening"')
    const [, port] = /"address":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(program.stdout()) ?? []
    return { program, port: Number(port) }
  }
  const { program, port } = await start()
  for (let i = 0; i < 3; i++) await exchange(port, TAGS)
  await until('the requests are in the file', () => countIn(file) === 3)
  await t.test('a second one with the same file says so', async t => {
    const second = await runHere(['serve', '--learn', file, '--listen', '127.0.0.1:0'], { ...SETTINGS, MAAS_URL: 'http://127.0.0.1:9/MAAS' })
    t.match(second, { code: 2, stderr: /^maas-auth-proxy: error: --learn: ".*work\.json": another process records in it; name another file\n/ })
    t.equal(countIn(file), 3, 'and leaves it alone')
  })
  program.child.kill('SIGKILL')
  await program.ended
  t.ok(existsSync(`${dir}/work.json.lock`), 'the lock could not be taken away')
  writeFileSync(`${dir}/work.json.tmp`, 'half a file')
  const next = await start()
  await exchange(next.port, TAGS)
  next.program.child.kill('SIGTERM')
  t.equal(await next.program.ended, 0, 'the next process takes the lock')
  t.equal(countIn(file), 4, 'and goes on')
  t.strictSame(readdirSync(dir), ['work.json'])
})

t.test('where the file cannot be written any more, a warning says so once, and requests are served', async t => {
  const dir = t.testdir({ there: {} })
  const proxy = await startRecording(t, `${dir}/there/work.json`)
  renameSync(`${dir}/there`, `${dir}/elsewhere`)
  t.match(await exchange(proxy.port, TAGS), /^HTTP\/1\.1 200 /)
  t.match(await proxy.logged(({ msg }) => msg === 'the recording cannot be written'), { level: 40, file: /work\.json$/, reason: /ENOENT/ })
  t.match(await exchange(proxy.port, TAGS), /^HTTP\/1\.1 200 /)
  mkdirSync(`${dir}/there`)
  await proxy.logged(({ msg }) => msg === 'the recording is written again')
  t.equal(countIn(`${dir}/there/work.json`), 2, 'nothing is lost')
  t.equal(proxy.log.filter(({ msg }) => msg === 'the recording cannot be written').length, 1)
})

t.test('a file that is no recording stops the start', async t => {
  const row = '{"method":"GET","listener":null,"client":null,"refused":null,"by":null,"count":1,"first":"","last":"","statuses":{},"example":null,"route":"tags/","op":null,"names":{}}'
  const of = (operations: string, others = '') => EMPTY.replace('[\n]', `[\n${operations}\n]`).replace('"others":[\n]', `"others":[\n${others}\n]`)
  const rows: Array<[text: string, wanted: RegExp | null, reason: string]> = [
    [EMPTY, null, 'an empty recording'],
    [of(row), null, 'one with a row'],
    [of('', row.replace('"route"', '"reason":"x","route"')), null, 'one with another row'],
    ['', /is empty, so it is no recording; remove it/, 'an empty file'],
    [EMPTY.slice(0, -6), /is cut off, or was changed; remove it/, 'one that is cut off'],
    ['listeners:\n  - listen: 5241\n', /is no recording of maas-auth-proxy; name another file/, 'a configuration file'],
    ['{"level":30}', /is no recording of maas-auth-proxy/, 'a log'],
    ['null', /is no recording of maas-auth-proxy/, 'no object'],
    [EMPTY.replace('1', '2'), /is a recording of format 2, and this program has format 1; name another file/, 'of another version'],
    [EMPTY.replace('"operations":[\n]', '"operations":7'), /is a recording that was changed; remove it/, 'no list'],
    [of('7'), /was changed/, 'a row that is none'],
    [of('null'), /was changed/, 'another'],
    [of(row.replace('"count":1', '"count":-1')), /was changed/, 'a count below zero'],
    [of(row.replace('"count":1', '"count":"1"')), /was changed/, 'a count that is a text'],
    [of(row.replace('"names":{}', '"names":{"name":7}')), /was changed/, 'a name that is none'],
    [of(row.replace('"names":{}', '"names":[]')), /was changed/, 'names that are a list'],
    [of(row.replace('"client":null', '"client":{}')), /was changed/, 'a client that is none'],
    [of('', row), /was changed/, 'a row without a reason']
  ]
  for (const [text, wanted, reason] of rows) {
    const dir = t.testdir({ 'work.json': text })
    const opened = await startTestProxy(t, testConfig('http://127.0.0.1:9/MAAS', { learn: [`${dir}/work.json`] })).catch((error: Error) => error)
    if (opened instanceof Error) t.match(opened.message, wanted ?? 'no error', reason)
    else {
      await opened.stop()
      t.equal(wanted, null, reason)
    }
    if (wanted !== null) t.equal(readFileSync(`${dir}/work.json`, 'utf8'), text, `${reason}: is left as it was`)
    t.strictSame(readdirSync(dir), ['work.json'], `${reason}: and the lock is gone`)
  }
})

t.test('a file that cannot be written stops the start', async t => {
  const dir = t.testdir({ plain: '' })
  const rows: Array<[path: string, wanted: RegExp, reason: string]> = [
    [`${dir}/nowhere/work.json`, /^--learn: ".*": its directory does not exist; make it$/, 'no such directory'],
    [dir, /is not a file; name another one/, 'a directory'],
    ['/dev/null', /is not a file; name another one/, 'a device'],
    [`${dir}/plain/work.json`, /its directory is a file; name another one/, 'a file in place of the directory'],
    ['/proc/work.json', /--learn: /, 'a directory where nothing can be made'],
    [`${dir}/${'x'.repeat(120)}`, /--learn: .*its name is too long for a lock/, 'a name that is too long for a lock']
  ]
  for (const [path, wanted, reason] of rows) {
    await t.rejects(startTestProxy(t, testConfig('http://127.0.0.1:9/MAAS', { learn: [path] })), { name: 'SettingsError', message: wanted }, reason)
  }
})
