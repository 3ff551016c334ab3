import t from 'tap'
import { chmodSync } from 'node:fs'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer, rootCertificates, type TlsOptions, type TLSSocket } from 'node:tls'
import { caCertificates } from '../../src/upstream/ca-certificates.ts'
import { loadConfig } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { startProgram } from '../helper/process.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, keptUpstream, listenOn, OK } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

/** A TLS server that keeps what was sent to it once the handshake was over. */
async function tlsUpstream (t: { after: (close: () => unknown) => void }, options: TlsOptions) {
  let received = ''
  const sockets: TLSSocket[] = []
  const server = createServer(options, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      received += chunk
      if (received.endsWith('\r\n\r\n')) socket.end(OK)
    })
  })
  server.on('tlsClientError', () => {})
  return { port: await listenOn(t, server, sockets), received: () => received }
}

/*
 * The key goes along with every request, so it must not go to anyone but MAAS. Who the certificate does not name, or a
 * CA that is trusted does not vouch for, gets not one byte of HTTP.
 */
t.test('the key is sent only to a server with a valid certificate', async t => {
  const good = await makeCertificates()
  const other = await makeCertificates()
  const rows: Array<[reason: string, server: TlsOptions, flags: (dir: string) => Flags, code: string | null]> = [
    ['right, with its CA', good, dir => ({ caFile: [`${dir}/ca`] }), null],
    ['right, but its CA is not known', good, () => ({}), 'UPSTREAM_UNTRUSTED'],
    ['of another CA', good, dir => ({ caFile: [`${dir}/other`] }), 'UPSTREAM_UNTRUSTED'],
    ['signed by itself', await makeCertificates({ selfSigned: true }), dir => ({ caFile: [`${dir}/ca`] }), 'UPSTREAM_UNTRUSTED'],
    ['signed by itself, not looked at', await makeCertificates({ selfSigned: true }), () => ({ insecureSkipTlsVerify: ['true'] }), null],
    ['for another name', await makeCertificates({ ip: '127.0.0.2' }), dir => ({ caFile: [`${dir}/ca`] }), 'UPSTREAM_UNTRUSTED'],
    ['expired', await makeCertificates({ days: -1 }), dir => ({ caFile: [`${dir}/ca`] }), 'UPSTREAM_UNTRUSTED'],
    ['a TLS that is too old', { ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }, dir => ({ caFile: [`${dir}/ca`] }), 'UPSTREAM_TLS_FAILED'],
    ['a server that asks for a certificate and gets one', { ...good, requestCert: true }, dir => ({ caFile: [`${dir}/ca`], clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/key`] }), null],
    ['a server that asks for a certificate and gets none', { ...good, requestCert: true }, dir => ({ caFile: [`${dir}/ca`] }), 'UPSTREAM_CLOSED']
  ]
  for (const [reason, server, flags, code] of rows) {
    const ca = 'ca' in server && typeof server.ca === 'string' ? server.ca : good.ca
    const dir = t.testdir({ ca, other: other.ca, cert: good.cert, key: good.key })
    chmodSync(`${dir}/key`, 0o600)
    const upstream = await tlsUpstream(t, { ...server, rejectUnauthorized: true })
    const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${upstream.port}/MAAS`, flags(dir)))
    const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
    if (code === null) t.match(answer, /^HTTP\/1.1 200 /, reason)
    else t.equal(jsonBody(answer).error?.code, `MAAS_PROXY_${code}`, reason)
    t.equal(upstream.received().includes('oauth_signature'), code === null, `${reason}: gets the key or not`)
    if (code !== null) t.equal(upstream.received(), '', 'not one byte')
  }
})

t.test('a connection to MAAS that hangs in its handshake holds up no other request', async t => {
  const { ca, ...tls } = await makeCertificates()
  const dir = t.testdir({ ca })
  const secure = createServer(tls, socket => { socket.on('error', () => {}).once('data', () => { socket.end(OK) }) })
  const held: Socket[] = []
  const port = await listenOn(t, createTcpServer(socket => {
    if (held.length === 0) held.push(socket)
    else secure.emit('connection', socket)
  }), held)
  const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${port}/MAAS`, { caFile: [`${dir}/ca`] }))
  const first = exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  await until('it is on its way', () => held.length === 1)
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/zones/')), /^HTTP\/1.1 200 /, 'the next one')
  held[0]?.destroy()
  t.match(await first, /^HTTP\/1.1 502 /)
})

t.test('the whole file of a certificate is shown to a MAAS that asks for one', async t => {
  const { ca, ...tls } = await makeCertificates()
  const dir = t.testdir({ ca, key: tls.key, chain: `${tls.cert}\n${ca}` })
  chmodSync(`${dir}/key`, 0o600)
  const seen: unknown[] = []
  const upstream = await keptUpstream(t, socket => {
    seen.push((socket as TLSSocket).authorizationError)
    socket.end(OK)
  }, { ...tls, requestCert: true, rejectUnauthorized: false })
  const flags = { caFile: [`${dir}/ca`], clientCertFile: [`${dir}/chain`], clientKeyFile: [`${dir}/key`] }
  const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${upstream.port}/MAAS`, flags))
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1.1 200 /)
  t.match(seen, [/SELF_SIGNED_CERT_IN_CHAIN/], 'MAAS sees the CA, which it does not know here, behind the certificate')
})

t.test('a MAAS with TLS may redirect to another of its ports', async t => {
  const { ca, ...tls } = await makeCertificates()
  const location = 'Location: https://127.0.0.1:1/MAAS/\r\n'
  const answer = `HTTP/1.1 302 Found\r\nContent-Length: 0\r\n${location}\r\n`
  const { port } = await keptUpstream(t, socket => { socket.end(answer) }, tls)
  const caFile = [`${t.testdir({ ca })}/ca`]
  const proxy = await startTestProxy(t, testConfig(`https://127.0.0.1:${port}/MAAS`, { caFile }))
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), location, 'which is passed on: MAAS_URL is right')
})

t.test('the CA of a profile of the maas CLI is trusted for its MAAS', async t => {
  const good = await makeCertificates()
  const { ca: other } = await makeCertificates({ issuer: 'Other CA' })
  const rows: Array<[reason: string, cacerts: string | null, caFile: string | null, trusted: boolean]> = [
    ['the CA of the login', good.ca, null, true],
    ['the second of several', `${other}${good.ca}`, null, true],
    ['none', null, null, false],
    ['another', other, null, false],
    ['that of --ca-file beside none', null, 'ca', true],
    ['that of --ca-file beside another', other, 'ca', true],
    ['that of the login beside another', good.ca, 'other', true]
  ]
  for (const [reason, cacerts, caFile, trusted] of rows) {
    const home = t.testdir({ ca: good.ca, other })
    const upstream = await tlsUpstream(t, good)
    await makeStore(home, OWN, { lab: login({ url: `https://127.0.0.1:${upstream.port}/MAAS/api/2.0/`, cacerts }) })
    const proxy = await startTestProxy(t, loadConfig({ profile: ['lab'], listen: ['127.0.0.1:0'], ...caFile === null ? {} : { caFile: [`${home}/${caFile}`] } }, { HOME: home }))
    t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), trusted ? /^HTTP\/1.1 200 / : /MAAS_PROXY_UPSTREAM_UNTRUSTED/, reason)
    t.equal(upstream.received().includes('oauth_signature'), trusted, `${reason}: gets the key or not`)
  }
})

/*
 * Whoever runs the platform says whom to trust, by the files that curl and Node are told of. Node reads them when a
 * process starts, so each case is one.
 */
t.test('a CA is trusted if the system, the environment or a flag names it', async t => {
  const { ca, ...server } = await makeCertificates()
  const dir = t.testdir({ ca, directory: { 'ca.crt': ca }, none: {} })
  const nowhere = { SSL_CERT_FILE: `${dir}/missing`, SSL_CERT_DIR: `${dir}/none`, NODE_EXTRA_CA_CERTS: '' }
  const rows: Array<[reason: string, env: Record<string, string>, flags: string[], trusted: boolean]> = [
    ['nobody names it', {}, [], false],
    ['SSL_CERT_FILE', { SSL_CERT_FILE: `${dir}/ca` }, [], true],
    ['SSL_CERT_DIR', { SSL_CERT_DIR: `${dir}/directory` }, [], true],
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: `${dir}/ca` }, [], true],
    ['--ca-file, beside the others', { SSL_CERT_DIR: `${dir}/none` }, ['--ca-file', `${dir}/ca`], true]
  ]
  const upstream = await tlsUpstream(t, server)
  await Promise.all(rows.map(async ([reason, env, flags, trusted]) => {
    const program = startProgram(t, ['check', '--maas-url', `https://127.0.0.1:${upstream.port}/MAAS`, ...flags], { MAAS_API_KEY: 'c:t:s', ...nowhere, ...env })
    await program.ended
    t.match(program.stdout(), trusted ? /^ok {4}tls /m : /^FAIL {2}tls .*cannot be verified/m, reason)
  }))
})

t.test('the CAs of Node stay trusted, without duplicates', async t => {
  const all = caCertificates(['FURTHER'])
  t.strictSame(rootCertificates.filter(certificate => !all.includes(certificate)), [], "Node's own")
  t.equal(new Set(all).size, all.length, 'a copy costs time in every TLS context')
  t.equal(all.at(-1), 'FURTHER', 'what the settings name')
})
