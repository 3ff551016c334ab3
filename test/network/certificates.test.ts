import t from 'tap'
import { X509Certificate } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { loadConfig } from '../../src/settings/load.ts'
import { MaasPool } from '../../src/upstream/pool.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { type LogRecord, startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, keptUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const MACHINES = get('/MAAS/api/2.0/machines/')

const REPLACED = 'the certificates for MAAS have been replaced; requests from now on use the new ones'
const SAME = 'the certificates for MAAS are the same as before'
const KEPT = 'the certificates for MAAS could not be read again; the old ones stay in use'

/** Waits for so many records about certificates, and returns the last. */
async function told (proxy: TestProxy, count: number): Promise<LogRecord> {
  const about = () => proxy.log.filter(({ msg }) => [REPLACED, SAME, KEPT].includes(String(msg)))
  await until(`${count} records about certificates`, () => about().length >= count)
  return about()[count - 1] as LogRecord
}

t.test('a file of CAs that changes is used from then on, and one that is broken is not', async t => {
  const [good, other] = [await makeCertificates(), await makeCertificates({ issuer: 'Other CA' })]
  const upstream = await keptUpstream(t, socket => { socket.write(OK) }, good)
  const path = `${t.testdir({ ca: other.ca })}/ca`
  const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${upstream.port}/MAAS`, { caFile: [path] }))
  t.match(await exchange(proxy.port, MACHINES), /MAAS_PROXY_UPSTREAM_UNTRUSTED/, 'another CA at first')
  const rows: Array<[reason: string, text: string, isTrusted: boolean, msg: string, cause: RegExp | undefined]> = [
    ['the right one', good.ca, true, REPLACED, undefined],
    ['nothing', '', true, KEPT, /has no certificate in PEM/],
    ['half of one', good.ca.slice(0, 300), true, KEPT, /has no certificate in PEM/],
    ['one that cannot be read', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', true, KEPT, /certificate 1 cannot be read/],
    ['the same', good.ca, true, SAME, undefined],
    ['another, though a connection is open and its session is known', other.ca, false, REPLACED, undefined],
    ['both', other.ca + good.ca, true, REPLACED, undefined]
  ]
  for (const [i, [reason, text, isTrusted, msg, cause]] of rows.entries()) {
    writeFileSync(path, text)
    t.match(await told(proxy, i + 1), { msg, reason: cause, files: [path] }, reason)
    t.match(await exchange(proxy.port, MACHINES), isTrusted ? /^HTTP\/1.1 200 / : /MAAS_PROXY_UPSTREAM_UNTRUSTED/, reason)
  }
  await proxy.reload()
  t.match(await told(proxy, rows.length + 1), { msg: SAME }, 'a reload looks at once')
})

t.test('a new certificate of the proxy is shown, when it has its key', async t => {
  const [first, second] = [await makeCertificates(), await makeCertificates({ subject: 'CN=second' })]
  const shown: string[] = []
  const upstream = await keptUpstream(t, socket => {
    shown.push((socket as TLSSocket).getPeerCertificate().fingerprint256)
    socket.write(OK)
  }, { ...first, requestCert: true, rejectUnauthorized: false })
  const dir = t.testdir({ ca: first.ca, cert: first.cert, key: first.key })
  chmodSync(`${dir}/key`, 0o600)
  const flags = { caFile: [`${dir}/ca`], clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/key`] }
  const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${upstream.port}/MAAS`, flags))
  const rows: Array<[reason: string, file: string, text: string, msg: string, wanted: string]> = [
    ['the certificate alone', 'cert', second.cert, KEPT, first.cert],
    ['its key as well', 'key', second.key, REPLACED, second.cert]
  ]
  for (const [i, [reason, file, text, msg, wanted]] of rows.entries()) {
    writeFileSync(`${dir}/${file}`, text)
    t.match(await told(proxy, i + 1), { msg }, reason)
    t.match(await exchange(proxy.port, MACHINES), /^HTTP\/1.1 200 /, reason)
    t.equal(shown.at(-1), new X509Certificate(wanted).fingerprint256, reason)
  }
  t.notMatch(JSON.stringify(proxy.log), second.key.split('\n')[1], 'no key in the log')
})

t.test('the CA of a profile follows a new login to the same MAAS, and to no other', async t => {
  const [good, other] = [await makeCertificates(), await makeCertificates({ issuer: 'Other CA' })]
  const upstream = await keptUpstream(t, socket => { socket.write(OK) }, good)
  const home = t.testdir()
  const url = `https://127.0.0.1:${upstream.port}/MAAS/api/2.0/`
  const store = async (changes: object) => { await makeStore(home, OWN, { lab: login({ url, ...changes }) }) }
  await store({ cacerts: other.ca })
  const proxy = await startTestProxy(t, loadConfig({ profile: ['lab'], listen: ['127.0.0.1:0'] }, { HOME: home }))
  const rows: Array<[reason: string, changes: object, isTrusted: boolean, msg: string]> = [
    ['the right CA', { cacerts: good.ca }, true, REPLACED],
    ['another MAAS', { cacerts: other.ca, url: 'https://192.0.2.1:5443/MAAS/api/2.0/' }, true, KEPT],
    ['no CA', { cacerts: null }, false, REPLACED]
  ]
  for (const [i, [reason, changes, isTrusted, msg]] of rows.entries()) {
    await store(changes)
    t.match(await told(proxy, i + 1), { msg, reason: msg === KEPT ? /leads to https:\/\/192\.0\.2\.1:5443\/MAAS now; restart the proxy/ : undefined }, reason)
    t.match(await exchange(proxy.port, MACHINES), isTrusted ? /^HTTP\/1.1 200 / : /MAAS_PROXY_UPSTREAM_UNTRUSTED/, reason)
  }
})

t.test('a reload without certificates logs nothing about them', async t => {
  const upstream = await keptUpstream(t, socket => { socket.write(OK) })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  await proxy.reload()
  t.notMatch(JSON.stringify(proxy.log), /certificates/)
})

t.test('a connection that was being opened while the certificates changed carries one request', async t => {
  const used: Socket[] = []
  const upstream = await keptUpstream(t, socket => {
    used.push(socket)
    socket.write(OK)
  })
  const options = { connectTimeoutMs: 5000, responseTimeoutMs: 5000, insecureSkipTlsVerify: false, egress: null }
  const pool = new MaasPool(`http://127.0.0.1:${upstream.port}`, options)
  t.teardown(async () => { await pool.destroy() })
  const ask = async () => await (await pool.request({ method: 'GET', path: '/' })).body.text()
  const first = ask()
  pool.setTls({})
  t.equal(await first, 'ok')
  await until('a connection has been used twice', async () => {
    t.equal(await ask(), 'ok')
    return new Set(used).size < used.length
  })
  t.equal(used.filter(socket => socket === used[0]).length, 1, 'which was not the first')
})
