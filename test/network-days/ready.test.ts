import t from 'tap'
import { createServer } from 'node:net'
import { startProgram } from '../helper/process.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, listenOn, OK, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const USER = '{"username":"admin"}'
const WHOAMI = `HTTP/1.1 200 OK\r\nContent-Length: ${USER.length}\r\nConnection: close\r\n\r\n${USER}`

/** The seconds in which a probe has its answer, with those that a busy machine needs. */
const PROBE_S = 8

const seconds = async (act: () => Promise<unknown>) => {
  const startedAt = performance.now()
  await act()
  return (performance.now() - startedAt) / 1000
}

t.test('readiness is answered within seconds, whatever MAAS does', async t => {
  const silent = await rawUpstream(t, () => {})
  const full = createServer()
  const stuck = await listenOn(t, full) // accepts, and speaks no TLS
  const rows: Array<[url: string, reason: RegExp, remedy: RegExp, what: string]> = [
    [silent.url, /has not answered .*whoami within 4 s/, /keeps MAAS busy/, 'no answer'],
    [`https://127.0.0.1:${stuck}/MAAS`, /did not accept the connection in time/, /firewall/, 'no connection']
  ]
  for (const [url, reason, remedy, what] of rows) {
    const proxy = await startTestProxy(t, testConfig(url))
    let answer = ''
    const took = await seconds(async () => { answer = await exchange(proxy.port, get('/-/ready')) })
    t.ok(took < PROBE_S, `${what}: ${took} s`)
    t.match(answer, /^HTTP\/1\.1 503 /, what)
    t.match(jsonBody(answer), { ready: false, reason, remedy }, what)
  }
})

t.test('a refused timestamp does not double the time', async t => {
  const now = Math.floor(Date.now() / 1000)
  const refusal = `Expired timestamp: given 1 and now ${now} has`
  let asked = 0
  const upstream = await rawUpstream(t, socket => {
    if (asked++ === 0) setTimeout(() => { socket.end(`HTTP/1.1 401 X\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`) }, 3000)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const took = await seconds(async () => { t.match(await exchange(proxy.port, get('/-/ready')), /^HTTP\/1\.1 503 [^]*within 4 s/) })
  t.equal(asked, 2)
  t.ok(took < 6.5, `${took} s`)
})

t.test('an answer that only a front of MAAS gives is reason to ask at once', async t => {
  const rows: Array<[status: string, path: string, ready: string, asked: number, reason: string]> = [
    ['502 Bad Gateway', 'machines/', '503', 1, 'its nginx finds no MAAS'],
    ['503 Service Unavailable', 'machines/', '503', 1, 'or none that takes the request'],
    ['504 Gateway Timeout', 'machines/', '503', 1, 'or none that answers'],
    ['502 Bad Gateway', 'version/', '503', 1, 'for requests that go unsigned too'],
    ['500 Internal Server Error', 'machines/', '200', 0, 'while a defect of one operation is none']
  ]
  for (const [status, path, ready, asked, reason] of rows) {
    let isDown = false
    let questions = 0
    const upstream = await rawUpstream(t, (socket, head) => {
      if (head.includes('whoami')) questions++
      socket.end(isDown ? `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n` : head.includes('whoami') ? WHOAMI : OK)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
    t.match(await exchange(proxy.port, get('/-/ready')), /^HTTP\/1\.1 200 /, `${reason}: at first`)
    isDown = true
    t.match(await exchange(proxy.port, get(`/MAAS/api/2.0/${path}`)), `HTTP/1.1 ${status}`, reason)
    await proxy.logged(record => record['status'] === Number(status.slice(0, 3)))
    t.match(await exchange(proxy.port, get('/-/ready')), `HTTP/1.1 ${ready} `, reason)
    t.equal(questions, asked, `${reason}: how often MAAS was asked`)
  }
})

t.test('a scrape finds out in the background how an idle proxy is', async t => {
  const scraped = Promise.withResolvers<undefined>()
  let isDown = false
  let questions = 0
  const upstream = await rawUpstream(t, (socket, head) => {
    if (head.includes('whoami')) questions++
    scraped.promise.then(() => { socket.end(isDown ? 'HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n' : WHOAMI) }, t.fail)
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url, { adminListen: ['127.0.0.1:0'] }))
  const admin = Number(new URL(proxy.adminAddress ?? '').port)
  const shown = async (port: number) => /^maas_auth_proxy_ready\{[^}]*\} (\d)$/m.exec(await exchange(port, get('/-/metrics')))?.[1]
  t.equal(await shown(admin), '0', 'MAAS has not answered yet, and the scrape does not wait for it')
  scraped.resolve(undefined)
  await until('the next scrape knows', async () => await shown(admin) === '1')
  await shown(proxy.port)
  t.equal(questions, 1, 'and MAAS is not asked while the answer is fresh')
  isDown = true
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  await until('and so it is when MAAS has gone', async () => await shown(proxy.port) === '0')
})

t.test('the command ready tells a proxy that does not answer from none', async t => {
  const silent = await rawUpstream(t, () => {})
  const program = startProgram(t, ['ready', '--listen', String(silent.port)])
  t.equal(await program.ended, 1)
  t.match(program.stderr(), /^maas-auth-proxy: error: the proxy at \S+ has not answered within 5 s$/m)
})
