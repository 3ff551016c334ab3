import t, { type Test } from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import type { Flags } from '../../src/settings/setting-input.ts'
import { loadConfig } from '../../src/settings/load.ts'
import { type CertificatePair, makeAuthority, makeCertificates, type WantedCertificate } from '../helper/certificates.ts'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { get, rawUpstream, readAll, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MACHINES = '/MAAS/api/2.0/machines/'
const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const server = await makeCertificates()
const ours = await makeAuthority('Our CA')
const theirs = await makeAuthority('Our CA') // of the same name
const below = await ours.intermediate('A CA below')

const alice = await ours.issue({ subject: 'CN=alice', names: [] })

/** Writes the files of a listener that asks for certificates, and returns the settings that name them. */
function files (t: Test, ca = ours.ca, tokens?: string) {
  const dir = socketDir(t)
  const put = (name: string, text: string) => {
    writeFileSync(`${dir}/${name}`, text, { mode: 0o600 })
    return [`${dir}/${name}`]
  }
  return {
    tlsCertFile: put('cert', server.cert),
    tlsKeyFile: put('key', server.key),
    clientCaFile: put('ca', ca),
    ...tokens === undefined ? {} : { clientTokenFile: put('tokens', tokens) }
  } satisfies Flags
}

async function start (t: Test, flags: Flags): Promise<TestProxy> {
  const upstream = await rawUpstream(t)
  return await startTestProxy(t, testConfig(upstream.url, flags))
}

/** Asks with a certificate, and returns the name of the client in the log, or what the error says. */
async function ask (
  proxy: TestProxy, pair: Partial<CertificatePair> = {}, options: RequestOptions = {}
): Promise<string> {
  const seen = proxy.log.length
  const client = httpsRequest({ port: proxy.port, host: '127.0.0.1', path: MACHINES, ca: server.ca, servername: '', agent: false, ...pair, ...options })
  client.end()
  const [response] = await once(client, 'response')
  const text = (await response.toArray()).join('')
  if (response.statusCode !== 200) return `${response.statusCode} ${JSON.parse(text).error.message}`
  await until('the request is in the log', () => proxy.log.slice(seen).some(({ msg }) => msg === 'request'))
  return String(proxy.log.slice(seen).find(({ msg }) => msg === 'request')?.['client'])
}

t.test('a certificate names its client: by its URI, else its DNS name, else its common name', async t => {
  const proxy = await start(t, files(t))
  const URI = 'spiffe://cluster.local/ns/ci/sa/runner'
  const rows: Array<[wanted: WantedCertificate, name: string | null, reason: string]> = [
    [{ subject: 'CN=alice', names: [] }, 'alice', 'a common name'],
    [{ subject: 'CN=alice', names: [{ type: 'dns', value: 'ci.example' }] }, 'ci.example', 'a DNS name'],
    [{ subject: 'CN=alice', names: [{ type: 'dns', value: 'ci.example' }, { type: 'url', value: URI }] }, URI, 'a URI, wherever it stands'],
    [{ subject: 'CN=alice', names: [{ type: 'ip', value: '127.0.0.1' }, { type: 'email', value: 'ci@example' }] }, 'alice', 'other names'],
    [{ subject: 'CN=alice', names: [{ type: 'dns', value: 'x' }], usage: 'clientAuth' }, 'x', 'for clients only'],
    [{ subject: '', names: [{ type: 'dns', value: 'x' }] }, 'x', 'no subject'],
    [{ subject: 'O=ours', names: [] }, null, 'no common name'],
    [{ subject: 'CN=alice,CN=bob', names: [] }, null, 'two common names'],
    [{ subject: 'CN=Alice Smith', names: [] }, null, 'a name with a space'],
    [{ subject: 'CN=alice', names: [{ type: 'url', value: 'urn:x, DNS:admin' }] }, null, 'a name that looks like two']
  ]
  for (const [wanted, name, reason] of rows) {
    const answer = await ask(proxy, await ours.issue(wanted))
    if (name === null) t.match(answer, /^401 the certificate of the client has no name that is one of a client/, reason)
    else t.equal(answer, name, reason)
  }
})

t.test('a certificate that is not good is told why', async t => {
  const proxy = await start(t, files(t))
  const subject = 'CN=alice'
  const chained = await below.issue({ subject })
  const rows: Array<[pair: Partial<CertificatePair>, wanted: RegExp, reason: string]> = [
    [{}, /^401 the request has neither a certificate nor a token of a known client$/, 'none'],
    [await theirs.issue({ subject }), /^401 .*is not signed by a CA in --client-ca-file$/, 'another CA of the same name'],
    [await (await makeAuthority('Other')).issue({ subject }), /^401 the certificate of the client is not signed by a CA in --client-ca-file$/, 'another CA'],
    [await ours.issue({ subject, selfSigned: true }), /^401 .*is not signed by a CA/, 'signed by itself'],
    [await ours.issue({ subject, days: -1 }), /^401 the certificate of the client has expired$/, 'expired'],
    [await ours.issue({ subject, begins: 0.5 }), /^401 the certificate of the client is not valid yet$/, 'not valid yet'],
    [await ours.issue({ subject, usage: 'serverAuth' }), /^401 the certificate of the client is not for clients/, 'one for servers'],
    [await ours.issue({ subject, isWeak: true }), /^401 the certificate of the client is not good \(UNSPECIFIED\)$/, 'a weak key'],
    [chained, /^401 .*is not signed by a CA/, 'of a CA below, which it does not show'],
    [{ ...chained, cert: `${chained.cert}\n${below.ca}` }, /^alice$/, 'of a CA below, which it shows']
  ]
  for (const [pair, wanted, reason] of rows) t.match(await ask(proxy, pair, { ciphers: 'DEFAULT@SECLEVEL=0' }), wanted, reason)
  t.equal(await ask(proxy, rows[1]?.[0], { path: '/-/live' }), 'undefined', 'probes need none')
  t.match(await ask(proxy, {}, { path: '/' }), /^401/, 'own pages do')
  const resumed = new Agent({ keepAlive: false, maxCachedSessions: 10 })
  t.after(() => { resumed.destroy() })
  for (const reason of ['a session', 'one that is resumed']) t.equal(await ask(proxy, alice, { agent: resumed }), 'alice', reason)
  const { facts } = proxy
  t.match(await facts(), [{ clients: 'by certificate', needsToken: false }])
  t.match((await facts())[0]?.examples[0]?.text, /^curl --cacert CA\.pem --cert CERT\.pem --key KEY\.pem /)
})

t.test('a certificate and a token are of one client', async t => {
  const tokens = 'alice alice-token-0001\nbob bob-token-000001\n'
  const flags = files(t, ours.ca, tokens)
  const proxy = await start(t, flags)
  const token = (text: string) => ({ headers: { 'MAAS-Proxy-Token': text } })
  const TWO = '401 the certificate and the token of the request are of two clients'
  const rows: Array<[pair: Partial<CertificatePair>, options: RequestOptions, wanted: string, reason: string]> = [
    [{}, token('bob-token-000001'), 'bob', 'a token alone'],
    [alice, {}, 'alice', 'a certificate alone'],
    [alice, token('alice-token-0001'), 'alice', 'both'],
    [alice, token('bob-token-000001'), TWO, 'a token of another'],
    [alice, token('alice-token-0002'), '401 the request has no token of a known client', 'a token of nobody'],
    [await ours.issue({ subject: 'CN=alice', names: [], days: -1 }), token('alice-token-0001'), '401 the certificate of the client has expired', 'a bad certificate'],
    [await theirs.issue({ subject: 'CN=alice', names: [] }), {}, '401 the certificate of the client is not signed by a CA in --client-ca-file', 'a certificate of another CA']
  ]
  for (const [pair, options, wanted, reason] of rows) t.equal(await ask(proxy, pair, options), wanted, reason)
  t.match(await proxy.facts(), [{ clients: 'by certificate or token: 2 clients', needsToken: true }])
  t.notMatch(JSON.stringify(proxy.log), /-token-0/, 'no token is logged')
})

t.test('clients of a configuration file have certificates, and rules', async t => {
  const upstream = await rawUpstream(t)
  const { tlsCertFile: [cert], tlsKeyFile: [key], clientCaFile: [ca], clientTokenFile: tokens } = files(t, ours.ca, 'bob bob-token-000001\n')
  const config = `${t.testdir({})}/proxy.yaml`
  const put = (more: string) => {
    writeFileSync(config, `maas-url: ${upstream.url}\napi-key: ${KEY}\ntls-cert-file: ${cert}\ntls-key-file: ${key}\n${more}listeners: [{ listen: '127.0.0.1:0' }]\n`, { mode: 0o600 })
  }
  const withCa = `client-ca-file: ${ca}\n`
  put(`${withCa}client-token-file: ${String(tokens)}\nclients:\n  - { name: ci, certificate: alice, read-only: true }\n  - { name: bob, certificate: 'spiffe://x/bob', deny: DELETE ** }\n`)
  const proxy = await startTestProxy(t, loadConfig({ config: [config] }, {}))
  const bob = await ours.issue({ names: [{ type: 'url', value: 'spiffe://x/bob' }] })
  t.equal(await ask(proxy, alice), 'ci', 'the name of the list')
  t.match(await ask(proxy, alice, { method: 'POST' }), /^403/, 'with its rules')
  t.equal(await ask(proxy, bob, { headers: { Authorization: 'Bearer bob-token-000001' } }), 'bob', 'a certificate beside a token')
  t.match(await ask(proxy, bob, { method: 'DELETE' }), /^403/)
  t.match(await ask(proxy, {}, { method: 'DELETE', headers: { Authorization: 'Bearer bob-token-000001' } }), /^403/)
  t.equal(await ask(proxy, await ours.issue({ subject: 'CN=carol', names: [] }), { method: 'DELETE' }), 'carol', 'a client that is in no list has the rules of the listener')
  t.match(await ask(proxy, await ours.issue({ subject: 'CN=bob', names: [] }), { method: 'DELETE' }), /^403/, 'a client of a known name has the rules of that name')
  t.match(await proxy.facts(), [{ clients: 'by certificate or token: 2 clients, 2 with rules of their own' }])

  const mistakes: Array<[more: string, wanted: RegExp, reason: string]> = [
    ['clients: [{ name: ci, certificate: x }]\n', /proxy\.yaml:5:11: clients\[0\]: certificate: clients are not asked for certificates; give --client-ca-file/, 'no CA'],
    [`${withCa}clients: [{ name: a, certificate: x }, { name: b, certificate: x }]\n`, /clients\[1\]: has the same certificate as clients\[0\], so a and b could not be told apart/, 'one for two'],
    [`${withCa}clients: [{ name: a, certificate: 'x y' }]\n`, /clients\[0\]\.certificate: is not a name/, 'no name'],
    [`${withCa}clients: [{ name: a }]\n`, /nothing identifies the client a; give it token-file, token-sha256 or certificate/, 'nothing that identifies it']
  ]
  for (const [more, wanted, reason] of mistakes) {
    put(more)
    await t.rejects(loadConfig({ config: [config] }, {}), wanted, reason)
  }
})

t.test('a CA that is no longer trusted ends what it was trusted for', async t => {
  const flags = files(t)
  const proxy = await start(t, flags)
  const [caFile] = flags.clientCaFile as [string]
  /** A connection that stays. */
  const kept = async (pair = alice): Promise<TLSSocket> => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', ca: server.ca, ...pair })
    await once(socket, 'secureConnect')
    return socket
  }
  const connections = [await kept(), await kept()] as const
  const chained = await below.issue({ subject: 'CN=carol', names: [] })
  const belowOurs = await kept({ ...chained, cert: `${chained.cert}\n${below.ca}` })
  const others = await makeAuthority('Another CA')
  const other = await others.issue({ subject: 'CN=bob', names: [] })
  writeFileSync(caFile, 'nothing')
  await proxy.reload()
  t.match(await proxy.logged(({ level }) => level === 50), { reason: /--client-ca-file: ".*ca": has no certificate in PEM/ })
  t.equal(await ask(proxy, alice), 'alice', 'a broken file changes nothing')
  writeFileSync(caFile, `${ours.ca}\n${others.ca}`)
  await proxy.reload()
  t.equal(await ask(proxy, other), 'bob', 'another CA')
  connections[0].end(get(MACHINES))
  t.match(await readAll(connections[0]), /^HTTP\/1\.1 200/, 'an open connection goes on')
  const late = await kept(other)
  const third = await makeAuthority('A third CA')
  writeFileSync(caFile, `${others.ca}\n${third.ca}`)
  await proxy.reload()
  t.match(await ask(proxy, alice), /^401 .*is not signed by a CA in --client-ca-file/)
  for (const [socket, wanted, reason] of [
    [connections[1], /^HTTP\/1\.1 401 .*is not signed by a CA/s, 'on a connection of before too'],
    [belowOurs, /^HTTP\/1\.1 401 .*is not signed by a CA/s, 'nor by a CA below it'],
    [late, /^HTTP\/1\.1 200/, 'a certificate of a CA that is still there is good on a connection of before']
  ] as const) {
    socket.end(get(MACHINES))
    t.match(await readAll(socket), wanted, reason)
  }
})

t.test('a certificate that expires ends with it, on an open connection too', async t => {
  const proxy = await start(t, files(t))
  const SECONDS = 1 / (24 * 3600)
  const brief = await ours.issue({ subject: 'CN=alice', names: [], days: 3 * SECONDS })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => { agent.destroy() })
  t.equal(await ask(proxy, brief, { agent }), 'alice')
  await until('it has expired', async () => await ask(proxy, brief, { agent }) === '401 the certificate of the client has expired')
  t.equal(proxy.log.filter(({ msg }) => msg === 'a client has connected').length, 1, 'the connection is the same')
})

t.test('asking for certificates needs TLS, and is asking who clients are', async t => {
  const { clientCaFile, ...tls } = files(t)
  const rows: Array<[flags: Flags, wanted: RegExp, reason: string]> = [
    [{ clientCaFile }, /^--client-ca-file: ".*ca": clients show certificates by TLS only; give --tls-cert-file and --tls-key-file as well$/, 'no TLS'],
    [{ ...tls, clientCaFile: ['/nonexistent'] }, /^--client-ca-file: "\/nonexistent": there is no such file/, 'no file'],
    [{ ...tls, clientCaFile, noClientAuth: ['true'] }, /^--client-ca-file and --no-client-auth: contradict each other; keep one/, 'nobody is asked']
  ]
  for (const [flags, wanted, reason] of rows) {
    t.match(await testConfig('http://127.0.0.1:1/MAAS', flags).catch((error: unknown) => error), { problems: [wanted] }, reason)
  }
  const { listeners } = await testConfig('http://127.0.0.1:1/MAAS', { ...tls, clientCaFile, listen: ['0.0.0.0:1', 'unix:/run/s'], allowNonLoopback: ['true'] })
  t.strictSame(listeners.map(({ clients }) => clients), [[], []], 'beyond loopback no token is needed then')
})
