import t from 'tap'
import { chmodSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { inspect } from 'node:util'
import { findEgress, isException } from '../../src/settings/egress.ts'
import { SettingsReport } from '../../src/settings/report.ts'
import { EgressProxy } from '../../src/http/egress-proxy.ts'
import { loadConfig } from '../../src/settings/load.ts'
import { SettingsError } from '../../src/settings/settings-error.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import type { Environment } from '../../src/environment.ts'
import { parseMaasUrl } from '../../src/maas/maas-url.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import {
  closed, exchange, get, headLines, jsonBody, keptUpstream, listenOn, request, withoutSignature
} from '../helper/sockets.ts'

interface Test { after: (close: () => unknown) => void }

/** An address that leads nowhere (RFC 5737), so that what arrives can only have come through the egress proxy. */
const FAR = '192.0.2.1'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A MAAS that answers every request. */
const upstreamMaas = async (
  t: Test, tls: TlsOptions | null, answer: (socket: Socket) => void = socket => socket.write(OK)
) => await keptUpstream(t, answer, tls)

interface EgressOptions { tls?: TlsOptions | null, refuse?: ((socket: Socket) => void) | null, status?: string }

/**
 * A small egress proxy: every way it opens leads to this machine. It keeps what it was asked and all that passed
 * through it.
 * @param refuse answers CONNECT itself
 * @param status by which it opens a way
 */
async function egressProxy (t: Test, { tls = null, refuse = null, status = '200 OK' }: EgressOptions = {}) {
  const asked: IncomingMessage[] = []
  const sockets: Socket[] = []
  let passed = ''
  const server = (tls === null ? createHttpServer() : createHttpsServer(tls)).on('tlsClientError', () => {})
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    asked.push(request)
    sockets.push(client)
    client.on('error', () => {})
    if (refuse !== null) return refuse(client)
    const maas = connect(Number(request.url?.split(':').pop()), '127.0.0.1', () => {
      client.write(`HTTP/1.1 ${status}\r\n\r\n`)
      for (const socket of [client, maas]) socket.on('data', chunk => { passed += chunk.toString('latin1') })
      client.pipe(maas).pipe(client)
    })
    sockets.push(maas)
    maas.on('error', () => client.destroy())
    client.on('close', () => maas.destroy())
  })
  const port = await listenOn(t, server, sockets)
  return { port, url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}`, asked, passed: () => passed }
}

async function config (maasUrl: string, environment: Environment, flags: Flags = {}) {
  return await loadConfig({ maasUrl: [maasUrl], listen: ['127.0.0.1:0'], ...flags }, { MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}`, ...environment })
}

const MACHINES = '/MAAS/api/2.0/machines/'

/*
 * The egress proxy is a stranger: it is to see where MAAS is, and nothing of what is said there.
 */
t.test('over https the egress proxy sees neither the key nor the request, and MAAS sees no difference', async t => {
  const { ca, ...tls } = await makeCertificates({ ip: FAR })
  const here = await makeCertificates()
  const dir = t.testdir({ ca, here: here.ca })
  const upstream = await upstreamMaas(t, tls)
  const direct = await upstreamMaas(t, here)
  const egress = await egressProxy(t)
  const proxy = await startTestProxy(t, config(`https://${FAR}:${upstream.port}/MAAS`, { https_proxy: egress.url }, { caFile: [`${dir}/ca`] }))
  const without = await startTestProxy(t, testConfig(`https://127.0.0.1:${direct.port}/MAAS`, { caFile: [`${dir}/here`] }))
  t.match(await proxy.logged(record => 'egress' in record), { level: 30, egress: egress.url, msg: /through an egress proxy/ })

  const target = `${MACHINES}%7Ex/?q=%zz&a=//b&a=+%2F`
  const bytes = get(target, 'X-Twice: 1', 'x-twice: 2', 'X-TWICE: 1')
  for (const { port } of [proxy, without]) t.match(await exchange(port, bytes), /^HTTP\/1.1 200 [^]*ok$/)
  const [through, straight] = [upstream, direct].map(({ requests: [text = ''], port }) => withoutSignature(headLines(text)).map(line => line.replace(`${FAR}:${port}`, 'MAAS').replace(`127.0.0.1:${port}`, 'MAAS')))
  t.strictSame(through, straight, 'line by line, in their order')
  t.strictSame(through?.slice(0, 2), [`GET ${target} HTTP/1.1`, 'host: MAAS'])

  t.match(egress.asked.map(({ url, headers }) => [url, headers.host, headers['proxy-authorization']]), [[`${FAR}:${upstream.port}`, `${FAR}:${upstream.port}`, undefined]])
  t.strictSame(egress.asked[0]?.rawHeaders, ['Host', `${FAR}:${upstream.port}`], 'as curl asks, without what proxies differ about')
  t.ok(egress.passed().length > 1000, 'it has seen something go by')
  t.notMatch(egress.passed() + egress.asked.flatMap(({ rawHeaders }) => rawHeaders).join(), /oauth|Marked|machines|GET /i)

  await exchange(proxy.port, get(MACHINES))
  t.equal(egress.asked.length, 1, 'a tunnel is kept for the next request')
  await Promise.all([exchange(proxy.port, get(MACHINES)), exchange(proxy.port, get(MACHINES))])
  t.equal(egress.asked.length, 2, 'and two at once have one each')
})

t.test('a certificate is verified and shown through the egress proxy as it would be without', async t => {
  const good = await makeCertificates({ ip: FAR })
  const dir = t.testdir({ ca: good.ca, cert: good.cert, key: good.key })
  chmodSync(`${dir}/key`, 0o600)
  const rows: Array<[reason: string, server: TlsOptions, flags: Flags, code: string | null]> = [
    ['another CA, as of an egress proxy that opens what passes', await makeCertificates({ ip: FAR }), {}, 'UPSTREAM_UNTRUSTED'],
    ['another name', await makeCertificates(), {}, 'UPSTREAM_UNTRUSTED'],
    ['not looked at', await makeCertificates(), { insecureSkipTlsVerify: ['true'] }, null],
    ['one that is asked of us', { ...good, requestCert: true }, { clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/key`] }, null],
    ['one that is asked of us, and not there', { ...good, requestCert: true }, {}, 'UPSTREAM_CLOSED']
  ]
  for (const [reason, server, flags, code] of rows) {
    const upstream = await upstreamMaas(t, server)
    const egress = await egressProxy(t)
    const proxy = await startTestProxy(t, config(`https://${FAR}:${upstream.port}/MAAS`, { HTTPS_PROXY: egress.url }, { caFile: [`${dir}/ca`], ...flags }))
    const answer = await exchange(proxy.port, get(MACHINES))
    if (code === null) t.match(answer, /^HTTP\/1.1 200 /, reason)
    else t.equal(jsonBody(answer).error?.code, `MAAS_PROXY_${code}`, reason)
    t.equal(upstream.requests.length, code === null ? 1 : 0, `${reason}: gets the key or not`)
  }
})

t.test('over http it works too, with a warning that the egress proxy can read the key', async t => {
  let requests = 0
  const upstream = await upstreamMaas(t, null,
    socket => ++requests === 2 || requests === 4 ? socket.destroy() : socket.write(OK))
  const egress = await egressProxy(t)
  const settings = await config(`http://${FAR}:${upstream.port}/MAAS`, { http_proxy: egress.url })
  t.match(settings.warnings, [`MAAS_URL: http://${FAR}:${upstream.port}/MAAS is neither https nor this machine: the API key, which is all-powerful, crosses the network in the clear with every request, and the egress proxy ${egress.url} can read it`])
  const proxy = await startTestProxy(t, settings)
  t.match(await exchange(proxy.port, get(MACHINES)), /^HTTP\/1.1 200 /)
  t.match(upstream.requests[0], `GET ${MACHINES} HTTP/1.1\r\nhost: ${FAR}:${upstream.port}\r\n`)
  t.match(await exchange(proxy.port, get(MACHINES)), /^HTTP\/1.1 200 /, 'a tunnel that died idle is replaced')
  t.equal(requests, 3)

  const fresh = await startTestProxy(t, settings)
  t.match(await exchange(fresh.port, get(MACHINES)), /MAAS_PROXY_UPSTREAM_CLOSED/, 'the answer to CONNECT is none of MAAS')
  t.equal(requests, 4, 'so a request on a new tunnel is not sent again')
})

t.test('the certificate of an https egress proxy is verified', async t => {
  const maas = await makeCertificates({ ip: FAR })
  const { ca, ...tls } = await makeCertificates({ issuer: 'CA of the egress proxy' })
  const dir = t.testdir({ both: `${ca}\n${maas.ca}`, maas: maas.ca })
  const upstream = await upstreamMaas(t, maas)
  const egress = await egressProxy(t, { tls })
  const start = async (flags: Flags) => await startTestProxy(t, config(`https://${FAR}:${upstream.port}/MAAS`, { https_proxy: egress.url.replace('//', '//user:HIDDEN@') }, flags))
  t.match(await exchange((await start({ caFile: [`${dir}/both`] })).port, get(MACHINES)), /^HTTP\/1.1 200 /, 'TLS in TLS')
  t.equal(egress.asked.length, 1)
  for (const flags of [{ caFile: [`${dir}/maas`] }, { insecureSkipTlsVerify: ['true'] }]) {
    const proxy = await start(flags)
    t.match(await exchange(proxy.port, get(MACHINES)), /MAAS_PROXY_EGRESS_UNREACHABLE/)
    t.match(await proxy.logged(record => 'cause' in record), { cause: { message: /unable to verify the first certificate/ } })
  }
  t.equal(egress.asked.length, 1, 'a stranger gets no password, not even where MAAS may be anyone')

  const plain = await upstreamMaas(t, null)
  const toPlain = config(`http://${FAR}:${plain.port}/MAAS`, { http_proxy: egress.url }, { caFile: [`${dir}/both`] })
  const { port } = await startTestProxy(t, toPlain)
  t.match(await exchange(port, get(MACHINES)), /^HTTP\/1.1 200 /, 'on the way to a MAAS without TLS alike')
})

t.test('the password of the egress proxy is sent only there, and never logged', async t => {
  const upstream = await upstreamMaas(t, null)
  const egress = await egressProxy(t)
  const url = `http://${FAR}:${upstream.port}/MAAS`
  const rows: Array<[credentials: string, wanted: string, reason: string]> = [
    ['user:HIDDEN', 'user:HIDDEN', 'plain'],
    ['us%65r:HIDDEN%40%3a%25', 'user:HIDDEN@:%', 'encoded'],
    ['user:HIDDENü%', 'user:HIDDENü%', 'not encoded, though it should be'],
    ['user', 'user:', 'no password'],
    [':HIDDEN', ':HIDDEN', 'no user']
  ]
  for (const [credentials, wanted, reason] of rows) {
    const settings = await config(url, { all_proxy: egress.url.replace('//', `//${credentials}@`) })
    const proxy = await startTestProxy(t, settings)
    t.match(await exchange(proxy.port, get(MACHINES)), /^HTTP\/1.1 200 /, reason)
    t.equal(egress.asked.at(-1)?.headers['proxy-authorization'], `Basic ${Buffer.from(wanted).toString('base64')}`, reason)
    t.notMatch(JSON.stringify([settings, proxy.log]) + inspect(settings, { depth: 9, showHidden: true }) + String(settings.egress), /HIDDEN/)
    t.notMatch(upstream.requests.join(), /proxy-authorization/i, 'MAAS does not get it')
  }
})

t.test('failures of the egress proxy are reported with a remedy', async t => {
  const gone = createServer()
  const refusing = await listenOn(t, gone)
  gone.close()
  const nonsense = await listenOn(t, createServer(socket => { socket.on('error', () => {}).end('SSH-2.0-x\r\n') }))
  const answering = (head: string) => (socket: Socket) => { socket.end(`HTTP/1.1 ${head}\r\nContent-Length: 6\r\n\r\nHIDDEN`) }
  const page = (text: string) => (socket: Socket) => { socket.write(`HTTP/1.1 200 OK\r\n\r\n${text}`) }
  const rows: Array<[
    reason: string, where: string | ((socket: Socket) => void), credentials: string,
    status: number, code: string, message: RegExp
  ]> = [
    ['nothing listens', `127.0.0.1:${refusing}`, '', 502, 'EGRESS_UNREACHABLE', /cannot be reached, or does not speak HTTP$/],
    ['a name that cannot be', 'no-such-host.invalid:3128', '', 502, 'EGRESS_UNREACHABLE', /^the egress proxy http:\/\/no-such-host.invalid:3128 cannot/],
    ['something else listens', `127.0.0.1:${nonsense}`, '', 502, 'EGRESS_UNREACHABLE', /does not speak HTTP$/],
    ['a web server, which answers anything with a page', page('<p>HIDDEN</p>'), '', 502, 'EGRESS_UNREACHABLE', /a page, as a web server does$/],
    ['one that plays MAAS, before it is asked', page(OK), '', 502, 'EGRESS_UNREACHABLE', /answers CONNECT with a page/],
    ['closed', socket => socket.destroy(), '', 502, 'EGRESS_UNREACHABLE', /cannot be reached/],
    ['credentials wanted', answering('407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"'), '', 502, 'EGRESS_CREDENTIALS_REFUSED', /asks for a user name and password$/],
    ['credentials refused', answering('407 Proxy Authentication Required'), 'user:HIDDEN@', 502, 'EGRESS_CREDENTIALS_REFUSED', /does not accept the user name and password/],
    ['not allowed', answering('403 Forbidden'), '', 502, 'EGRESS_REFUSED', /answered 403 to CONNECT 192\.0\.2\.1:\d+$/],
    ['a redirect', answering('302 Found\r\nLocation: http://HIDDEN/'), '', 502, 'EGRESS_REFUSED', /answered 302/],
    ['no success', answering('300 Multiple Choices'), '', 502, 'EGRESS_REFUSED', /answered 300/],
    ['the last status that is no fault of its own', answering('499 X'), '', 502, 'EGRESS_REFUSED', /answered 499/],
    ['its own fault', answering('500 Internal Server Error'), '', 502, 'EGRESS_FAILED', /answered 500/],
    ['MAAS is not reached from there', answering('502 Bad Gateway'), '', 502, 'EGRESS_FAILED', /answered 502/],
    ['no answer', () => {}, '', 504, 'CONNECT_TIMED_OUT', /^the egress proxy http:\/\/127.0.0.1:\d+ did not open a tunnel to MAAS in time$/]
  ]
  for (const [reason, where, credentials, status, code, message] of rows) {
    const upstream = await upstreamMaas(t, null)
    const host = typeof where === 'string' ? where : (await egressProxy(t, { refuse: where })).url.slice('http://'.length)
    const proxy = await startTestProxy(t, config(`http://${FAR}:${upstream.port}/MAAS`, { http_proxy: `http://${credentials}${host}` }, { connectTimeoutMs: ['300ms'] }))
    const answer = await exchange(proxy.port, request([`GET ${MACHINES} HTTP/1.1`, 'Host: localhost']))
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), reason)
    t.match(jsonBody(answer).error, { code: `MAAS_PROXY_${code}`, message, remedy: /^[a-z].+[^.]$/ }, reason)
    t.match(await proxy.logged(record => record['msg'] === 'request'), { error: `MAAS_PROXY_${code}`, attempts: undefined })
    t.notMatch(JSON.stringify(proxy.log) + answer, /HIDDEN/, 'nothing of its answer, no password')
    t.equal(upstream.sockets.length, 0, 'MAAS has seen nothing of it')
  }
})

t.test('any 2xx answer to CONNECT opens the tunnel (RFC 9110 section 9.3.6)', async t => {
  const upstream = await upstreamMaas(t, null)
  const egress = await egressProxy(t, { status: '201 Created' })
  const proxy = await startTestProxy(t, config(`http://${FAR}:${upstream.port}/MAAS`, { http_proxy: egress.url }))
  t.match(await exchange(proxy.port, get(MACHINES)), /^HTTP\/1.1 200 [^]*ok$/)
})

t.test('CONNECT names host and port, also a default port', async t => {
  const rows: Array<[maasUrl: string, authority: string, reason: string]> = [
    ['https://maas.example/MAAS', 'maas.example:443', 'that of https'],
    ['http://maas.example/MAAS', 'maas.example:80', 'that of http'],
    ['http://maas.example:5240/MAAS', 'maas.example:5240', 'one that is written'],
    ['http://[2001:db8::1]/MAAS', '[2001:db8::1]:80', 'IPv6 in brackets (RFC 9112 section 3.2.3)']
  ]
  for (const [maasUrl, authority, reason] of rows) {
    let gone = Promise.resolve()
    const egress = await egressProxy(t, {
      refuse: socket => {
        gone = closed(socket.resume().on('end', () => socket.end()))
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
      }
    })
    const proxy = await startTestProxy(t, config(maasUrl, { all_proxy: egress.url }))
    t.match(await exchange(proxy.port, get(MACHINES)), `answered 403 to CONNECT ${authority}`, reason)
    t.match(egress.asked, [{ url: authority, headers: { host: authority } }], reason)
    await t.resolves(gone, 'a connection that leads nowhere is not kept')
  }
})

t.test('a client that disconnects while the tunnel opens costs MAAS nothing', async t => {
  const upstream = await upstreamMaas(t, null)
  const openWay = (socket: Socket) => {
    const maas = connect(upstream.port, '127.0.0.1').on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.pipe(maas).pipe(socket)
  }
  let held: Socket | null = null
  const egress = await egressProxy(t, {
    refuse: socket => {
      if (held !== null) return openWay(socket)
      held = socket
      leaving.destroy()
    }
  })
  const proxy = await startTestProxy(t, config(`http://${FAR}:${upstream.port}/MAAS`, { http_proxy: egress.url }))
  const leaving = connect(proxy.port, '127.0.0.1')
  leaving.write(get('/MAAS/api/2.0/zones/'))
  t.match(await proxy.logged(record => record['msg'] === 'request'), { complete: false, status: undefined })
  openWay(held as unknown as Socket)
  await proxy.logged(record => record['msg'] === 'connected to MAAS')
  t.match(await exchange(proxy.port, get(MACHINES)), /^HTTP\/1.1 200 /, 'the next request takes the way')
  t.match(upstream.requests, [`GET ${MACHINES} HTTP/1.1`], 'and is the first that MAAS sees')
  t.notOk(proxy.log.some(record => 'cause' in record), 'there is nobody to tell')
})

t.test('an egress proxy may have an address of IPv6', async t => {
  const proxy = await startTestProxy(t, config(`http://${FAR}:5240/MAAS`, { http_proxy: 'http://[::1]:1' }))
  t.match(await exchange(proxy.port, get(MACHINES)), /the egress proxy http:\/\/\[::1\]:1 cannot be reached/)
  const { cause } = await proxy.logged(record => 'cause' in record)
  t.notMatch(cause, { code: /^(?:ENOTFOUND|EAI_AGAIN)$/ }, 'it is no name to be looked up')
})

t.test('the egress proxy is chosen from the environment as by curl', async t => {
  const p = (port: number) => `http://proxy:${port}`
  const https = 'https://maas.example/MAAS'
  const http = 'http://maas.example:5240/MAAS'
  const rows: Array<[maasUrl: string, environment: Environment, wanted: string | null, reason: string]> = [
    [https, {}, null, 'none'],
    [https, { https_proxy: p(1), HTTPS_PROXY: p(2), all_proxy: p(3) }, p(1), 'lower case wins'],
    [https, { https_proxy: '', HTTPS_PROXY: p(2), all_proxy: p(3) }, p(2), 'an empty one is none'],
    [https, { http_proxy: p(1), HTTP_PROXY: p(2) }, null, 'those of http are not for https'],
    [https, { all_proxy: p(1), ALL_PROXY: p(2) }, p(1), 'all_proxy'],
    [https, { ALL_PROXY: p(2) }, p(2), 'and in upper case'],
    [http, { http_proxy: p(1), all_proxy: p(2) }, p(1), 'http'],
    [http, { HTTP_PROXY: p(1) }, null, 'which counts in lower case only: as a variable it could be what a client sent to a CGI (httpoxy)'],
    [http, { HTTP_PROXY: p(1), ALL_PROXY: p(2) }, p(2), 'but all_proxy in both'],
    [http, { https_proxy: p(1), HTTPS_PROXY: p(1) }, null, 'those of https are not for http'],
    ['https://localhost:5443/MAAS', { https_proxy: p(1) }, null, 'never for this machine'],
    ['https://127.1.2.3/MAAS', { all_proxy: p(1) }, null, 'by whatever address'],
    ['http://[::1]:5240/MAAS', { http_proxy: p(1) }, null, 'of either family'],
    ['https://127.0.0.1.example/MAAS', { https_proxy: p(1) }, p(1), 'a name that only begins like one'],
    [https, { https_proxy: p(1), no_proxy: 'maas.example', NO_PROXY: 'other' }, null, 'an exception'],
    [https, { https_proxy: p(1), no_proxy: 'other', NO_PROXY: 'maas.example' }, p(1), 'lower case wins here too'],
    [https, { https_proxy: p(1), no_proxy: '', NO_PROXY: 'maas.example' }, null, 'unless it is empty'],
    [https, { https_proxy: p(1), no_proxy: 'maas.example:443' }, null, 'the port that the scheme means'],
    ['http://maas.example/MAAS', { http_proxy: p(1), no_proxy: 'maas.example:80' }, null, 'that of http alike'],
    [https, { https_proxy: 'proxy:3128' }, 'http://proxy:3128', 'http is meant'],
    [https, { https_proxy: 'https://Proxy/' }, 'https://proxy', 'without a port it is that of the scheme'],
    [https, { https_proxy: 'http://[fd00::1]:3128' }, 'http://[fd00::1]:3128', 'IPv6']
  ]
  for (const [maasUrl, environment, wanted, reason] of rows) {
    const report = new SettingsReport()
    t.equal(findEgress(environment, parseMaasUrl(maasUrl), report)?.origin ?? null, wanted, reason)
    t.strictSame(report.problems, [], reason)
  }
})

t.test('an unusable egress proxy is an error, never ignored', async t => {
  const rows: Array<[environment: Environment, wanted: RegExp]> = [
    [{ HTTPS_PROXY: 'socks5://user:HIDDEN@proxy:1080' }, /^HTTPS_PROXY: is the URL of a proxy with neither http nor https; write it as .*, or exempt MAAS from it with NO_PROXY=maas.example$/],
    [{ all_proxy: 'http://user:HIDDEN/@proxy:3128' }, /^all_proxy: is not the URL of a proxy; write it as .*percent-encoded/]
  ]
  for (const [environment, wanted] of rows) {
    try {
      await config('https://maas.example/MAAS', environment)
      t.fail('it is refused')
    } catch (error) {
      t.match((error as SettingsError).problems, [wanted])
      t.notMatch((error as SettingsError).message, /HIDDEN/)
    }
  }
  t.equal(String(new EgressProxy('http://proxy', null)), 'http://proxy')
})

t.test('NO_PROXY lists exceptions as for curl', async t => {
  const rows: Array<[exceptions: string, hostname: string, wanted: boolean, reason: string]> = [
    ['', 'maas.example', false, 'nothing'],
    ['*', 'maas.example', true, 'all'],
    ['*', '192.0.2.1', true, 'addresses too'],
    ['maas.example', 'maas.example', true, 'the name'],
    ['MAAS.Example.', 'maas.example', true, 'in any case, with the dot of the root'],
    ['maas.example', 'maas.example.', true, 'or with it in the URL'],
    ['example', 'maas.example', true, 'what is below a name'],
    ['.example', 'maas.example', true, 'the same with a dot'],
    ['.maas.example', 'maas.example', true, 'which leaves the name itself in'],
    ['*.example', 'maas.example', true, 'the same with a star'],
    ['ample', 'maas.example', false, 'half a label'],
    ['x.maas.example', 'maas.example', false, 'what is above'],
    ['a.example, maas.example', 'maas.example', true, 'one of several'],
    ['a.example maas.example', 'maas.example', true, 'split at blanks'],
    ['a.example,,', 'maas.example', false, 'an empty part is none'],
    ['maas.example:5443', 'maas.example', true, 'with the port'],
    ['.example:5443', 'maas.example', true, 'a name with all below, with the port'],
    ['maas.example:5240', 'maas.example', false, 'with another port'],
    ['192.0.2.1', '192.0.2.1', true, 'an address'],
    ['192.0.2.1:5443', '192.0.2.1', true, 'an address with the port'],
    ['192.0.2.1:1', '192.0.2.1', false, 'with another'],
    ['2.1', '192.0.2.1', false, 'an address has no names above it'],
    ['192.0.2.0/24', '192.0.2.1', true, 'a network'],
    ['192.0.2.0/24:5443', '192.0.2.1', true, 'a network with the port'],
    ['192.0.3.0/24', '192.0.2.1', false, 'another'],
    ['192.0.2.0/33', '192.0.2.1', false, 'none'],
    ['192.0.2.0/x', '192.0.2.1', false, 'none either'],
    ['192.0.2.1', 'maas.example', false, 'a name is not looked up'],
    ['fd00::1', '[fd00::1]', true, 'IPv6'],
    ['[fd00:0::1]', '[fd00::1]', true, 'in brackets, in another spelling'],
    ['[fd00::1]:5443', '[fd00::1]', true, 'with the port'],
    ['[fd00::1]:1', '[fd00::1]', false, 'with another'],
    ['fd00::/8', '[fd00::1]', true, 'a network'],
    ['fd00::/129', '[fd00::1]', false, 'none'],
    ['192.0.2.1', '[fd00::1]', false, 'of another family']
  ]
  for (const [exceptions, hostname, wanted, reason] of rows) t.equal(isException(exceptions, hostname, '5443'), wanted, `${exceptions || 'empty'} and ${hostname}: ${reason}`)
})
