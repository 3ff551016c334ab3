import t from 'tap'
import { gzipSync } from 'node:zlib'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, rawUpstream } from '../helper/sockets.ts'

/*
 * The attack is MAAS's own: it answers a signature that does not fit with the one that would have. Whoever makes it do
 * so reads the token secret, so the proxy masks it, however it is written, cut into pieces or compressed.
 */
t.test('a secret that MAAS prints is masked', async t => {
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

t.test('the secret is masked in every form, and nothing else changes', async t => {
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
    [plain(gzip(body), 'Content-Encoding: gzip', 'Connection: Content-Encoding'), masked, 'compressed, which Connection must not hide'],
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
    [plain(gzip('x'.repeat(1024 * 1024 + 1)), 'Content-Encoding: gzip'), /cannot be looked into/, 'a thousand bytes become too many'],
    [plain(gzip('abc'), 'Content-Encoding: identity', 'Content-Encoding: gzip', 'Content-Encoding: gzip'), /cannot be looked into/, 'two codings in fields of their own'],
    [plain(`${largest}x`), /more than 64 KiB/, 'one that is too large, by a byte']
  ]
  for (const [bytes, message, reason] of refused) {
    const upstream = await rawUpstream(t, socket => socket.end(bytes, 'latin1'))
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    t.match(jsonBody(await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))).error, { code: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', message }, reason)
  }
})

/*
 * The attack is an error page: Django's debug page repeats the fields of the request, and fronts do so in their own
 * errors, in a field, in the reason phrase or in the body. Whoever provokes such an error reads the signature that the
 * proxy has added.
 */
t.test('a signature that any error repeats is masked', async t => {
  const odd = 'Se<ret&"with\'signs/%+=>>>???'
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const html = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#x27;')
  const one = (text: string, ...fields: string[]) => `HTTP/1.1 500 Oops\r\n${[...fields, `Content-Length: ${text.length}`].join('\r\n')}\r\nConnection: close\r\n\r\n${text}`
  const chunks = (text: string, size: number) => 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' +
    (text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('') + '0\r\n\r\n'
  const gzip = (text: string) => gzipSync(text).toString('latin1')
  const rows: Array<[reason: string, answer: (authorization: string, secret: string) => string]> = [
    ['a debug page', authorization => one(`<td>HTTP_AUTHORIZATION</td><td><pre>&#x27;${html(authorization)}&#x27;</pre></td>`)],
    ['one that streams, byte by byte', authorization => chunks(`<pre>${html(authorization)}</pre>`, 1)],
    ['one that streams in pieces', authorization => chunks(`${'x'.repeat(70_000)}${authorization}${'y'.repeat(70_000)}`, 999)],
    ['in JSON', authorization => one(JSON.stringify({ headers: { authorization } }), 'Content-Type: application/json')],
    ['the secret alone', (_authorization, secret) => one(`secret=${secret}`)],
    ['the secret alone in HTML', (_authorization, secret) => one(html(secret))],
    ['the secret alone in base64 for URLs', (_authorization, secret) => one(Buffer.from(secret).toString('base64url'))],
    ['the secret in capitals', (_authorization, secret) => one(secret.toUpperCase())],
    ['percent-encoded', authorization => one(`/login?next=${encodeURIComponent(authorization)}`)],
    ['percent-encoded in small letters', authorization => one(encodeURIComponent(authorization).toLowerCase())],
    ['in base64', authorization => one(base64(authorization))],
    ['in base64, one byte later', authorization => one(base64(` ${authorization}`))],
    ['in base64, two bytes later', authorization => one(`x ${base64(`  ${authorization}`)} y`)],
    ['in base64 for URLs', authorization => one(base64(authorization).replaceAll('+', '-').replaceAll('/', '_'))],
    ['in base64, percent-encoded', authorization => one(encodeURIComponent(base64(authorization)))],
    ['compressed', authorization => one(gzip(`${'z'.repeat(200_000)}${authorization}`), 'Content-Encoding: gzip')],
    ['in the value of a field', authorization => one('', `X-Echo: ${authorization}`)],
    ['in the name of a field', (_authorization, secret) => one('', `X-${secret.replaceAll(/[^\w]/g, '')}-y: 1`)],
    ['in the name of another field', (_authorization, secret) => one('', 'X-First: 1', `X-${secret.replaceAll(/[^\w]/g, '')}-y: 1`)],
    ['in the reason phrase', (_authorization, secret) => one('').replace('Oops', () => `${secret} is wrong`)],
    ['in the id of a trace', (_authorization, secret) => one('', `MAAS-trace-id: ${secret}`)]
  ]
  for (const secret of [KEY.secret, odd]) {
    for (const [reason, make] of rows) {
      if (secret === odd && reason.startsWith('in the name of')) continue // it cannot stand there
      const upstream = await rawUpstream(t, (socket, head) => socket.end(make(/^authorization: (.*)\r$/im.exec(head)?.[1] as string, secret), 'latin1'))
      const proxy = await startTestProxy(t, testConfig(upstream.url, {}, `${KEY.consumer}:${KEY.token}:${secret}`))
      const answer = await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
      t.match(answer, /^HTTP\/1.1 (?:500|404) /, reason)
      const seen = unfold(unchunk(answer) + JSON.stringify(proxy.log))
      t.notOk(seen.some(text => text.includes(secret.toLowerCase())), `${reason}: ${secret}`)
      t.notMatch(answer, /\r\ncontent-encoding:/i)
      const [, length] = /\r\nContent-Length: (\d+)\r\n/.exec(answer) ?? []
      if (length !== undefined) t.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, Number(length), `${reason}: the length fits`)
    }
  }
})

/** Puts the chunks of an answer together (RFC 9112 section 7.1), one line of framing for each. */
function unchunk (answer: string): string {
  return /\r\ntransfer-encoding: chunked\r\n/i.test(answer) ? answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, '') : answer
}

/**
 * A text in small letters, and what becomes of it when somebody undoes the encodings of URLs, HTML, JSON and base64.
 */
function unfold (text: string): string[] {
  const decoded = [text, ...Array.from(text.matchAll(/[\w+/%-]{16,}/g), ([run]) => run).flatMap(run => [run, run.slice(1), run.slice(2), run.slice(3)])
    .map(run => Buffer.from(unescape(run).replaceAll('-', '+').replaceAll('_', '/'), 'base64').toString('latin1'))]
  return decoded.flatMap(found => [
    found, unescape(found), unescape(unescape(found)), unescape(unescape(unescape(found)))
  ]).map(found => found
    .replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&').replaceAll('\\"', '"').toLowerCase())
}

/** Percent-decodes what can be decoded. */
function unescape (text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

t.test('what an error says of the correct signature is masked as it streams', async t => {
  const texts: Array<[pieces: string[], wanted: string, reason: string]> = [
    [['Expected signature base string: &other end'], 'Expected signature base string: [token end', 'in one piece'],
    [['Expected signature base str', 'ing: &oth', 'er end'], 'Expected signature base string: [tok[t end', 'in three'],
    [['Expected signature base string: ', '&', 'o', 't', 'h', 'er end'], 'Expected signature base string: [[[[[t end', 'byte by byte, of which none is lost'],
    [['Expected signature base string: '], 'Expected signature base string: ', 'with nothing behind'],
    [['Expected signature base string'], 'Expected signature base string', 'the words alone'],
    [[KEY.secret.slice(0, 20)], KEY.secret.slice(0, 20), 'a part of the secret at the end is nobody\'s secret'],
    [[KEY.secret.slice(0, 20), ' and more'], `${KEY.secret.slice(0, 20)} and more`, 'nor inside']
  ]
  for (const [pieces, wanted, reason] of texts) {
    const body = pieces.map(piece => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')
    const upstream = await rawUpstream(t, `HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`)
    const answer = await fetch(`${(await startTestProxy(t, testConfig(upstream.url))).address}/MAAS/api/2.0/machines/`)
    t.equal(await answer.text(), wanted, reason)
  }
})

t.test('a long error is streamed', async t => {
  const upstream = await rawUpstream(t, socket => { socket.write(`HTTP/1.1 500 Oops\r\nContent-Length: 200000\r\n\r\n${'a'.repeat(100_000)}`) })
  const answer = await fetch(`${(await startTestProxy(t, testConfig(upstream.url))).address}/MAAS/api/2.0/machines/`)
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  t.ok(((await reader.read()).value as Uint8Array).length > 0, 'its first part is here although the second was never sent')
  upstream.sockets[0]?.write('b'.repeat(100_000))
  let size = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length
  t.ok(size >= 100_000)
})

t.test('a coding that cannot be undone passes where no secret can be', async t => {
  const answer = (status: string) => `HTTP/1.1 ${status}\r\nContent-Encoding: br\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`
  const rows: Array<[target: string, status: string, wanted: RegExp, reason: string]> = [
    ['/MAAS/api/2.0/machines/', '500 Oops', /^HTTP\/1.1 502 /, 'a signed request'],
    ['/MAAS/api/2.0/machines/', '200 OK', /^HTTP\/1.1 200 [^]*\r\nContent-Encoding: br\r\n[^]*abc$/, 'no error'],
    ['/MAAS/api/2.0/version/', '500 Oops', /^HTTP\/1.1 500 [^]*\r\nContent-Encoding: br\r\n[^]*abc$/, 'an unsigned request'],
    ['/MAAS/api/2.0/version/', '401 Unauthorized', /^HTTP\/1.1 401 [^]*\r\nContent-Encoding: br\r\n[^]*abc$/, 'an unsigned request whose answer is buffered']
  ]
  for (const [target, status, wanted, reason] of rows) {
    const upstream = await rawUpstream(t, answer(status))
    t.match(await exchange((await startTestProxy(t, testConfig(upstream.url))).port, get(target)), wanted, reason)
  }
})

t.test('what is asked for is not masked, and a short secret does not spoil other words', async t => {
  const listing = `[{"token": "${KEY.consumer}:${KEY.token}:${KEY.secret}"}]`
  const upstream = await rawUpstream(t, socket => socket.end(`HTTP/1.1 200 ${KEY.secret}\r\nContent-Length: ${listing.length}\r\n\r\n${listing}`))
  const proxy = await startTestProxy(t, testConfig(upstream.url, { allowCredentialOperations: ['true'] }))
  t.equal(await (await fetch(`${proxy.address}/MAAS/api/2.0/account/?op=list_authorisation_tokens`)).text(), listing)
  const text = 'a text with x and "oauth_signature=%26x" and &x'
  const plain = await rawUpstream(t, `HTTP/1.1 404 Not Found\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`)
  const short = await startTestProxy(t, testConfig(plain.url, {}, 'y:y:x'))
  const masked = await (await fetch(`${short.address}/MAAS/api/2.0/machines/`)).text()
  t.match(masked, /^a text with x and "oauth_signature=\[[^"]+" and \[.+$/, 'only what follows the & of a signature')
  t.notMatch(masked, /(?:%26|&)x/)
})
