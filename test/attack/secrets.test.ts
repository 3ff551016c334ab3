import t from 'tap'
import { gzipSync } from 'node:zlib'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, rawUpstream } from '../helper/sockets.ts'

/*
 * The attack is MAAS's own: it answers a signature that does not fit with the one that would have. Whoever makes it do so
 * reads the token secret, so the proxy masks it, however it is written, cut into pieces or compressed.
 */
t.test('the secret that MAAS prints does not get through', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${'x'.repeat(32)}`))
  const answer = await fetch(`${proxy.address}/MAAS/api/2.0/users/?op=whoami`)
  const text = await answer.text()
  t.equal(answer.status, 401)
  t.equal(text, "Authorization Error: 'Invalid signature. Expected signature base string: [token secret]'")
  t.equal(answer.headers.get('content-length'), String(text.length))
  t.equal(answer.headers.get('www-authenticate'), 'OAuth realm="OAuth"', "the rest is MAAS's")
  t.notMatch(text + JSON.stringify(proxy.log), secret)
})

t.test('in every form, and nothing else changes', async t => {
  const odd = 'Token/Secret+Marked%1'
  const body = `before ${KEY.secret} 'Expected signature base string: &other' after`
  const masked = "before [token secret] 'Expected signature base string: [token secret]' after"
  const head = (...fields: string[]) => ['HTTP/1.1 401 Unauthorized', 'X-Before: 1', 'Content-Type: text/html', ...fields, 'Connection: close', '', ''].join('\r\n')
  const plain = (text: string, ...fields: string[]) => head(...fields, `Content-Length: ${text.length}`) + text
  const gzip = (text: string) => gzipSync(text).toString('latin1')
  const capitals = (text: string) => text.replace('signature base string', 'Signature Base String')
  const rows: Array<[answer: string, wanted: string, reason: string, secret?: string]> = [
    [plain(body), masked, 'with a length'],
    [head('Transfer-Encoding: chunked') + body.split('').map(byte => `1\r\n${byte}\r\n`).join('') + '0\r\n\r\n', masked, 'byte by byte'],
    [head() + body, masked, 'until the end of the connection'],
    [plain(`${body}${body}`), `${masked}${masked}`, 'wherever it stands, not only the first time'],
    [capitals(plain(body)), capitals(masked), 'in other capitals'],
    [plain(`a ${encodeURIComponent(odd)} b ${odd}`), 'a [token secret] b [token secret]', 'percent-encoded', odd],
    [plain(gzip(body), 'Content-Encoding: gzip'), masked, 'compressed, as nginx does with text/html'],
    [plain(gzip(body), 'Content-Encoding: X-GZip'), masked, 'by the old name of the coding (RFC 9110 section 8.4.1.3)'],
    [plain(body, 'Content-Encoding: identity'), masked, 'with a coding that is none'],
    [plain(body, 'Content-Encoding: Identity'), masked, 'names of codings have no case (RFC 9110 section 8.4.1)'],
    [plain('Forbidden'), 'Forbidden', 'without a secret it is as it was']
  ]
  for (const [bytes, wanted, reason, secret = KEY.secret] of rows) {
    const upstream = await rawUpstream(t, socket => socket.end(bytes, 'latin1'))
    const proxy = await startTestProxy(t, testConfig(upstream.url, {}, `${KEY.consumer}:${KEY.token}:${secret}`))
    const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
    t.match(answer, /^HTTP\/1.1 401 Unauthorized\r\nX-Before: 1\r\nContent-Type: text\/html\r\n/, reason)
    t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), wanted, reason)
    t.notMatch(answer, /content-encoding/i)
    t.match(answer, new RegExp(`^Content-Length: ${wanted.length}\r$`, 'm'), 'its length fits')
  }
  const toHead = await rawUpstream(t, head('Content-Encoding: gzip', 'Content-Length: 99'))
  const answer = await exchange((await startTestProxy(t, testConfig(toHead.url))).port, get('/MAAS/api/2.0/machines/').replace('GET', 'HEAD'))
  t.match(answer, /^HTTP\/1.1 401 [^]*\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n/, 'to HEAD there is no body')

  const largest = 'x'.repeat(64 * 1024)
  const large: Array<[answer: string, reason: string]> = [
    [plain(largest), 'the largest that is looked into'],
    [plain(gzip(largest), 'Content-Encoding: gzip'), 'compressed too']
  ]
  for (const [bytes, reason] of large) {
    const upstream = await rawUpstream(t, socket => socket.end(bytes, 'latin1'))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(await exchange(proxy.port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1.1 401 /, reason)
  }

  const refused: Array<[answer: string, message: RegExp, reason: string]> = [
    [plain('abc', 'Content-Encoding: br'), /cannot be looked into/, 'a coding that cannot be undone'],
    [plain('abc', 'Content-Encoding: gzip'), /cannot be looked into/, 'one that is not what it says'],
    [plain(gzip(`${largest}x`), 'Content-Encoding: gzip'), /cannot be looked into/, 'a hundred bytes become too many'],
    [plain(`${largest}x`), /more than 64 KiB/, 'one that is too large, by a byte']
  ]
  for (const [bytes, message, reason] of refused) {
    const upstream = await rawUpstream(t, socket => socket.end(bytes, 'latin1'))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(jsonBody(await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))).error, { code: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', message }, reason)
  }
})
