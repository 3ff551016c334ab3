import t from 'tap'
import { connect } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { runHere } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { listenOn, rawUpstream } from '../helper/sockets.ts'

interface Test { after: (close: () => unknown) => void }

const check = async (env: Record<string, string>, ...argv: string[]) => await runHere(['check', ...argv], env)

/** Puts TLS before a server on this machine. */
async function tlsFront (t: Test, port: number, options: TlsOptions): Promise<number> {
  const server = createServer(options, socket => {
    const inner = connect(port, '127.0.0.1')
    for (const end of [socket, inner]) end.on('error', () => {})
    socket.pipe(inner).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  return await listenOn(t, server)
}

t.test('check prints a line for each step', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const keyOf = ({ consumer, token, secret }: typeof maas.admin) => `${consumer}:${token}:${secret}`
  const certificates = await makeCertificates({ days: 90 })
  const port = await tlsFront(t, maas.port, certificates)
  const dir = t.testdir({ ca: certificates.ca })
  const { code, stdout, stderr } = await check({ MAAS_URL: `https://127.0.0.1:${port}/MAAS`, MAAS_API_KEY: keyOf(maas.admin), MAAS_PROXY_CA_FILE: `${dir}/ca` })
  t.match(stdout, new RegExp(`^ok    name     127\\.0\\.0\\.1 is an address
ok    tcp      127\\.0\\.0\\.1 accepts connections on port ${port}
ok    tls      TLSv1\\.3, maas < Test CA, (89|90) days left
ok    version  MAAS 3\\.7\\.\\d+
ok    user     the key of MAAS_API_KEY is that of admin, an administrator
ok    clock    that of MAAS is (?:the same|\\d s .*)
ok    latency  \\d+ ms for the first answer, \\d+ ms on an open connection
$`))
  t.equal(stderr, '')
  t.equal(code, 0)

  const plain = await check({ MAAS_URL: maas.url.replace('127.0.0.1', 'localhost'), MAAS_API_KEY: keyOf(maas.user) })
  t.match(plain.stdout, /^ok {4}name {5}localhost is .*127\.0\.0\.1/)
  t.match(plain.stdout, /is that of user, who is no administrator/)
  t.notMatch(plain.stdout, /tls/, 'none where there is none')

  const all = await check({ MAAS_URL: maas.url, MAAS_API_KEY: keyOf(maas.admin) }, '--verbose')
  t.match(all.stdout, /\nok {4}version {2}MAAS 3\.7\.\d+, capabilities: networks-management, /, 'the capabilities, if asked for')
  const colored = await check({ MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY: 'c:t:s', FORCE_COLOR: '1' })
  t.match(colored.stdout.replaceAll('\u001b', '^'), /\^\[32mok {2}\^\[39m {2}name[^]*\^\[31mFAIL\^\[39m {2}tcp[^]*\^\[36mhint\^\[39m: /, 'colours')

  const skipped = await check({ MAAS_URL: `https://127.0.0.1:${port}/MAAS`, MAAS_API_KEY: keyOf(maas.admin) }, '--insecure-skip-tls-verify')
  t.match(skipped, { code: 0, stdout: /^note {2}--insecure[^]*not verified \(\w+\)\n +hint: the API key goes to whoever answers/ })
})

t.test('the first failure ends check, with a remedy and an exit code of its class', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const later = await startStandIn({ now: () => Math.floor(Date.now() / 1000) + 600 })
  t.after(() => later.close())
  const certificates = await makeCertificates()
  const port = await tlsFront(t, maas.port, certificates)
  const dir = t.testdir({ ca: certificates.ca })
  const web = await rawUpstream(t, socket => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello') })
  const array = await rawUpstream(t, socket => { socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]') })
  const large = await rawUpstream(t, socket => { socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'x'.repeat(100_000)}`) })
  const expired = await rawUpstream(t, (socket, head) => {
    const [status, body] = head.startsWith('GET /MAAS/api/2.0/version/') ? ['200 OK', '{"version":"3.8.0","subversion":"beta6"}'] : ['401 Unauthorized', `Expired timestamp: given 1 and now ${Math.floor(Date.now() / 1000) - 700} has`]
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  })
  const behind = await rawUpstream(t, socket => { socket.end('HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2020 00:00:00 GMT\r\nContent-Length: 36\r\nConnection: close\r\n\r\n{"version":"3.8.0","username":"bob"}') })
  const moved = await rawUpstream(t, socket => { socket.end('HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:5443/MAAS/api/2.0/version/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') })
  const broken = await rawUpstream(t, (socket, head) => {
    const [status, body] = head.startsWith('GET /MAAS/api/2.0/version/') ? ['200 OK', '{"version":"3.7.3"}'] : ['500 Internal Server Error', 'connection refused']
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  })
  const { consumer, token, secret } = maas.admin
  const rows: Array<[maasUrl: string, key: string, code: number, last: RegExp, reason: string]> = [
    ['https://maas.invalid/MAAS', 'c:t:s', 10, /FAIL {2}name/, 'no such name'],
    ['http://maas.invalid/MAAS', 'c:t:s', 10, /FAIL {2}name {5}the host name of MAAS cannot be resolved \((ENOTFOUND|EAI_AGAIN)\)\n +hint: check the host/, 'no such name'],
    ['http://127.0.0.1:1/MAAS', 'c:t:s', 11, /FAIL {2}tcp {6}MAAS refused the connection \(ECONNREFUSED\)\n +hint: check that MAAS runs/, 'nobody there'],
    [`https://127.0.0.1:${port}/MAAS`, 'c:t:s', 12, /FAIL {2}tls {6}the certificate of MAAS cannot be verified.*\n +hint: .*--ca-file/, 'a certificate that is not known'],
    [`https://127.0.0.1:${maas.port}/MAAS`, 'c:t:s', 12, /FAIL {2}tls /, 'TLS where there is none'],
    [`https://localhost:${port}/MAAS`, 'c:t:s', 12, /FAIL {2}tls /, 'a certificate for another name'],
    [expired.url, 'c:t:s', 14, /ok {4}version {2}MAAS 3\.8\.0 \(beta6\)\nFAIL {2}user .*401.*\n +hint: .*clock/, 'a timestamp that is refused and refused again'],
    [behind.url, 'c:t:s', 0, /user .*bob, who is no administrator\nok {4}clock {4}that of MAAS is \d+ s behind\n +hint/, 'a MAAS whose clock is behind'],
    [web.url, 'c:t:s', 13, /FAIL {2}version {2}MAAS answers 200 to \/MAAS\/api\/2\.0\/version\/\n +hint: check that MAAS_URL leads to MAAS/, 'something that is not MAAS'],
    [array.url, 'c:t:s', 13, /FAIL {2}version/, 'nor this'],
    [large.url, 'c:t:s', 13, /FAIL {2}version/, 'nor what does not end'],
    [broken.url, 'c:t:s', 14, /FAIL {2}user {5}MAAS answers 500 .*\n +hint: MAAS answers, but its database may not/, 'a MAAS whose database is down'],
    [moved.url, 'c:t:s', 13, /FAIL {2}version {2}MAAS has TLS and redirects to https:\/\/127\.0\.0\.1:5443\n +hint: set MAAS_URL=https:\/\/127\.0\.0\.1:5443\/MAAS/, 'a MAAS that has moved to https'],
    [maas.url, `HIDDEN:${token}:${secret}`, 14, /FAIL {2}user .*\n +hint: .*consumer key/, 'a consumer key that is wrong'],
    [maas.url, `${consumer}:HIDDEN:${secret}`, 14, /FAIL {2}user .*\n +hint: .*token key/, 'a token key that is wrong'],
    [maas.url, `${consumer}:${token}:HIDDEN`, 14, /FAIL {2}user .*\n +hint: .*token secret/, 'a secret that is wrong'],
    [later.url, `${later.admin.consumer}:${later.admin.token}:${later.admin.secret}`, 0, /ok {4}user .*\nok {4}clock {4}that of MAAS is (599|600|601) s ahead\n +hint: .*set it right\nok {4}latency/, 'a clock that is wrong does no harm']
  ]
  for (const [maasUrl, key, code, last, reason] of rows) {
    const { stdout, stderr, code: ended } = await check({ MAAS_URL: maasUrl, MAAS_API_KEY: key })
    t.equal(ended, code, reason)
    t.match(stdout, last, reason)
    t.equal(stderr, '', reason)
    t.notMatch(stdout, new RegExp(`HIDDEN|${secret}`), 'no secret, not even the one that MAAS tells')
  }
  t.match((await check({ MAAS_URL: `https://127.0.0.1:${port}/MAAS`, MAAS_API_KEY: 'c:t:s', MAAS_PROXY_CA_FILE: `${dir}/ca` })).stdout, /0 days left\n +hint: the certificate of MAAS ends soon/)
  const verbose = await check({ MAAS_URL: behind.url, MAAS_API_KEY: 'c:t:s' }, '--verbose')
  t.match(verbose.stdout, /version {2}MAAS 3\.8\.0 .*capabilities: none\n/, 'a MAAS without capabilities')
  const nameless = await makeCertificates({ subject: '' })
  const other = await tlsFront(t, maas.port, nameless)
  t.match((await check({ MAAS_URL: `https://127.0.0.1:${other}/MAAS`, MAAS_API_KEY: 'c:t:s' }, '--insecure-skip-tls-verify')).stdout, /IP Address:127\.0\.0\.1 < Test CA/, 'one without a subject')
  t.match(await check({ MAAS_URL: 'https://maas.example/MAAS', MAAS_API_KEY: 'c:t:s', HTTPS_PROXY: 'http://127.0.0.1:1' }), { code: 11, stdout: /ok {4}name {5}the egress proxy 127\.0\.0\.1 is an address\nFAIL {2}tcp .*egress proxy.*\(ECONNREFUSED\)\n +hint: / }, 'an egress proxy that is not there')
  const silent = await rawUpstream(t, () => {})
  t.match(await check({ MAAS_URL: silent.url.replace('http', 'https'), MAAS_API_KEY: 'c:t:s', MAAS_PROXY_CONNECT_TIMEOUT: '50ms' }), { code: 12, stdout: /FAIL {2}tls .*in time \(UND_ERR_CONNECT_TIMEOUT\)/ })
})

t.test('check --json prints JSON', async t => {
  const { code, stdout } = await check({ MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` }, '--json')
  t.equal(code, 11)
  const { notes, steps, ...rest } = JSON.parse(stdout)
  t.strictSame({ notes, ...rest }, { notes: [], ok: false, maasUrl: 'http://127.0.0.1:1/MAAS' })
  t.match(steps, [{ name: 'name', ok: true, remedy: null }, { name: 'tcp', ok: false, remedy: /check that MAAS runs/ }])
  t.equal(steps.length, 2, 'what comes behind a step that fails is not tried')
  t.notMatch(stdout, /Marked/)
})
