import t from 'tap'
import { spawnSync } from 'node:child_process'
import { Writable } from 'node:stream'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { MaasClock } from '../../src/maas/clock.ts'
import { createLogger } from '../../src/observe/log/logger.ts'
import { startProgram } from '../helper/process.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { rawUpstream } from '../helper/sockets.ts'

const HERE = 1_795_504_581
const date = (seconds: number) => new Date(seconds * 1000).toUTCString()

t.test('a timestamp follows the clock of MAAS, but never falls behind our own', async t => {
  const rows: Array<[learn: (clock: MaasClock) => void, now: number, offset: number, reason: string]> = [
    [() => {}, HERE, 0, 'nothing is known'],
    [clock => clock.learnFromDate(date(HERE)), HERE, 0, 'the same time'],
    [clock => clock.learnFromDate(date(HERE + 600)), HERE + 600, 600, 'ours is ten minutes slow'],
    [clock => clock.learnFromDate(date(HERE - 600)), HERE, -600, 'ours is fast, which MAAS takes'],
    [clock => clock.learnFromDate(date(HERE + 50_000_000)), HERE + 50_000_000, 50_000_000, 'ours has stopped for more than a year'],
    [clock => { clock.learnFromDate(date(HERE + 600)); clock.learnFromDate(date(HERE)) }, HERE, 0, 'it was set right meanwhile'],
    [clock => clock.learnFromDate('nonsense'), HERE, 0, 'no date'],
    [clock => clock.learnFromDate(''), HERE, 0, 'an empty one'],
    [clock => clock.learnFromDate(date(0)), HERE, 0, 'a date that MAAS cannot have'],
    [clock => clock.learnFromDate('Fri, 01 Jan 2199 00:00:00 GMT'), HERE, 0, 'nor one far away'],
    [clock => t.ok(clock.learnFromRefusal(`Authorization Error: 'Expired timestamp: given 1 and now ${HERE + 700} has a greater difference than threshold 300'`)), HERE + 700, 700, 'what 3.4 says'],
    [clock => t.ok(clock.learnFromRefusal(`Authorization Error: 'Expired timestamp: given 1 and now ${HERE + 700}, has a greater difference than threshold 300'`)), HERE + 700, 700, 'what 3.7 says'],
    [clock => t.notOk(clock.learnFromRefusal("Authorization Error: 'Nonce already used: now 5'")), HERE, 0, 'another refusal'],
    [clock => t.notOk(clock.learnFromRefusal("'Expired timestamp: given 1 and now 99'")), HERE, 0, 'an absurd one']
  ]
  for (const [learn, now, offset, reason] of rows) {
    const clock = new MaasClock(() => {}, () => HERE)
    learn(clock)
    t.equal(clock.now(), now, reason)
    t.equal(clock.offsetSeconds, offset, reason)
  }
})

t.test('a repeated Date is ignored', async t => {
  let here = HERE
  const clock = new MaasClock(() => {}, () => here)
  clock.learnFromDate(date(HERE + 600))
  here++
  clock.learnFromDate(date(HERE + 600))
  t.equal(clock.offsetSeconds, 600, 'what the first answer of that second said stays')
})

t.test('a difference of more than a minute is logged once, and so is its end', async t => {
  const told: number[] = []
  const clock = new MaasClock(offset => told.push(offset), () => HERE)
  for (const offset of [60, 61, 62, -61, 0, -60, -61]) clock.learnFromDate(date(HERE + offset))
  t.strictSame(told, [61, 0, -61])
})

t.test('a request that MAAS refuses for its timestamp is signed anew and sent once more, unless it has a body', async t => {
  const maas = await startStandIn({ now: () => Math.floor(Date.now() / 1000) + 600 })
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const start = async () => await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
  const proxy = await start()
  const api = `${proxy.address}/MAAS/api/2.0`

  t.equal((await fetch(`${api}/users/?op=whoami`)).status, 200, 'the first call of a proxy whose clock is ten minutes slow')
  t.match(await proxy.logged(record => record['msg'] === 'request'), { attempts: 2, status: 200, bytes: 159 })
  t.strictSame(maas.records.map(record => record.status), [401, 200])
  const nonces = maas.records.map(record => /oauth_nonce="([^"]+)"/.exec(record.rawHeaders.join())?.[1])
  t.not(nonces[0], nonces[1], 'with another nonce')
  t.match(await proxy.logged(record => 'clockOffsetSeconds' in record), { level: 40 })
  t.equal((await fetch(`${api}/users/?op=whoami`)).status, 200)
  t.equal(maas.records.length, 3, 'from then on the time is right')

  const other = await start()
  const post = async () => (await fetch(`${other.address}/MAAS/api/2.0/tags/`, { method: 'POST', body: new URLSearchParams({ name: 'blue' }) })).status
  t.equal(await post(), 401, 'what has a body is not sent again')
  t.equal(await post(), 200, 'but the next is right')
})

t.test('the proxy learns the time of MAAS from any answer', async t => {
  const here = Math.floor(Date.now() / 1000)
  const upstream = await rawUpstream(t, socket => {
    socket.end(`HTTP/1.1 200 OK\r\nDate: ${date(here + 5000)}\r\nContent-Length: 0\r\n\r\n`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (let i = 0; i < 2; i++) t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/machines/`)).status, 200)
  const timestamps = upstream.received().matchAll(/oauth_timestamp="(\d+)"/g)
  const [first = 0, second = 0] = Array.from(timestamps, ([, digits]) => Number(digits))
  t.ok(first < here + 1000, 'the first request is signed by the clock of this machine')
  t.ok(second >= here + 5000, 'the next by that of MAAS')
})

t.test('a request refused for its timestamp is repeated at most once', async t => {
  const body = `Authorization Error: 'Expired timestamp: given 1 and now ${HERE} has a greater difference than threshold 300'`
  const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\n\r\n${body}`))
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/users/?op=whoami`)).status, 401)
  t.equal(upstream.sockets.length, 2)
  t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/version/`)).status, 401)
  t.equal(upstream.sockets.length, 3, 'and not at all if it was not signed')
})

/*
 * MAAS repeats an op that it does not know in its 400, and so whoever asks could write a refusal of it. It would set
 * the time, to that of signatures that are good for decades, and have the request sent twice.
 */
t.test('an answer that repeats what a client wrote is no refusal', async t => {
  const upstream = await rawUpstream(t, (socket, head) => {
    const body = `Unrecognised signature: method=POST op=${decodeURIComponent(/op=(\S*)/.exec(head)?.[1] ?? '')}`
    socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const op = encodeURIComponent('Expired timestamp: given 1 and now 4000000000')
  t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/machines/?op=${op}`, { method: 'POST' })).status, 400)
  t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/zones/`)).status, 400)
  t.equal(upstream.sockets.length, 2, 'each is sent once')
  t.notMatch(upstream.received(), /oauth_timestamp="4000000/)
})

t.test('at the start the proxy asks MAAS for the time, and starts without an answer', async t => {
  const maas = await startStandIn({ now: () => Math.floor(Date.now() / 1000) + 600 })
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const start = async (url: string) => {
    let text = ''
    const stream = new Writable({ write (chunk, _encoding, done) { text += chunk; done() } })
    const proxy = await startProxy(await testConfig(url, { connectTimeoutMs: ['5s'] }, `${consumer}:${token}:${secret}`), createLogger('info', 'json', stream), { probeAtStart: true })
    t.after(() => proxy.stop())
    return { address: proxy.addresses[0], log: () => text }
  }
  const proxy = await start(maas.url)
  t.match(proxy.log(), /"clockOffsetSeconds":(599|600|601),"msg":"MAAS answers"[^]*"msg":"listening"/)
  t.equal((await fetch(`${proxy.address}/MAAS/api/2.0/tags/`, { method: 'POST', body: new URLSearchParams({ name: 'blue' }) })).status, 200, 'so even a first call with a body is right')

  const rows: Array<[answer: string | (() => void), wanted: RegExp, reason: string]> = [
    ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', /"status":404,"reason":"MAAS answers 404 to [^"]+","remedy":"check that MAAS_URL leads to MAAS/, 'something else'],
    ['HTTP/1.1 400 X\r\nContent-Length: 22\r\n\r\nUnrecognised signature', /"status":400,.*"remedy":"sent unsigned/, 'a MAAS that has none'],
    [() => {}, /"reason":"MAAS has not answered [^"]*version\/ within 1 s","remedy":".*MAAS is not answering yet/, 'a MAAS that hangs']
  ]
  for (const [answer, wanted, reason] of rows) t.match((await start((await rawUpstream(t, answer)).url)).log(), new RegExp(`${wanted.source}[^]*"msg":"listening"`), reason)
  t.match((await start('http://127.0.0.1:1/MAAS')).log(), /"reason":"MAAS refused the connection","remedy":"check that MAAS runs[^]*"msg":"listening"/, 'a MAAS that is not there')
})

/** The variables that make a program believe in another time; null where faketime is not installed. */
function fakeTime (shift: string): Record<string, string> | null {
  const { stdout, status } = spawnSync('faketime', ['-f', shift, 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  return status === 0 ? { LD_PRELOAD: stdout.trim(), FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: '1' } : null
}

t.test('a machine whose clock is ten minutes off gets its first calls answered', { skip: fakeTime('+0') === null && 'faketime is not installed' }, async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  for (const [shift, offset] of [['-10m', /"clockOffsetSeconds":(599|600|601)/], ['+10m', /"clockOffsetSeconds":-(599|600|601)/]] as const) {
    const program = startProgram(t, ['--listen', '127.0.0.1:0'], { ...fakeTime(shift), MAAS_URL: maas.url, MAAS_API_KEY: `${consumer}:${token}:${secret}` })
    await program.printed('"listening"')
    t.match(program.stdout(), offset, `${shift}: told of`)
    const api = `${/"address":"(http:[^"]+)"/.exec(program.stdout())?.[1]}/MAAS/api/2.0`
    t.equal((await fetch(`${api}/tags/`, { method: 'POST', body: new URLSearchParams({ name: `t${offset.source.length}` }) })).status, 200, `${shift}: with a body`)
    t.equal((await fetch(`${api}/users/?op=whoami`)).status, 200, `${shift}: without one`)
    program.child.kill('SIGTERM')
    await program.ended
  }
})

t.test('the log says when the clocks differ, and when they agree again', async t => {
  let offset = 3600
  const upstream = await rawUpstream(t, socket => {
    const now = new Date(Date.now() + offset * 1000).toUTCString()
    socket.end(`HTTP/1.1 200 OK\r\nDate: ${now}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await fetch(`${proxy.address}/MAAS/api/2.0/machines/`)
  await proxy.logged(record => /^clock differs from MAAS by 3[56]\d\d s; signatures use MAAS's time$/.test(String(record['msg'])))
  offset = 0
  await fetch(`${proxy.address}/MAAS/api/2.0/machines/`)
  await t.resolves(proxy.logged(record => record['msg'] === 'clock agrees with MAAS again'))
})
