import t from 'tap'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, headLines, jsonBody, keptUpstream } from '../helper/sockets.ts'

const MACHINES = get('/MAAS/api/2.0/machines/')

/** Asks a proxy for the answer of a MAAS that answers everything with these bytes, and closes. */
async function answerTo (t: { after: (close: () => unknown) => void }, bytes: string): Promise<string> {
  const { port } = await keptUpstream(t, socket => { socket.end(bytes, 'latin1') })
  return await exchange((await startTestProxy(t, testConfig(`http://127.0.0.1:${port}/MAAS`))).port, MACHINES)
}

t.test('the head of an answer may be as large as that of a request', async t => {
  const head = (size: number) => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(size)}\r\nContent-Length: 2\r\n\r\nok`
  for (const size of [20_000, 40_000, 64_000]) {
    const answer = await answerTo(t, head(size))
    t.ok(answer.startsWith('HTTP/1.1 200 ') && answer.includes('x'.repeat(size)) && answer.endsWith('ok'), `${size} bytes`)
  }
  for (const size of [66_000, 300_000]) {
    const wanted = { code: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED', message: /^the header of the answer of MAAS.* is larger than 64 KiB$/ }
    t.match(jsonBody(await answerTo(t, head(size))).error, wanted, `${size} bytes`)
  }
})

t.test('a transfer coding other than chunked is a 502', async t => {
  const rows: Array<[coding: string, isForwarded: boolean, reason: string]> = [
    ['Transfer-Encoding: chunked', true, 'chunked'],
    ['transfer-encoding:  Chunked ', true, 'in any spelling'],
    ['Transfer-Encoding: gzip', false, 'another'],
    ['Transfer-Encoding: gzip, chunked', false, 'another below chunked'],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', false, 'in two lines'],
    ['Transfer-Encoding: identity', false, 'one that RFC 9112 does not know'],
    ['Transfer-Encoding: xchunked', false, 'a name that ends like it']
  ]
  for (const [coding, isForwarded, reason] of rows) {
    const answer = await answerTo(t, `HTTP/1.1 200 OK\r\n${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n`)
    t.match(answer, isForwarded ? /^HTTP\/1.1 200 [^]*\r\n2\r\nok\r\n0\r\n\r\n$/ : /^HTTP\/1.1 502 [^]*MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/, reason)
    if (!isForwarded) t.match(jsonBody(answer).error?.message, /transfer coding other than chunked|not valid HTTP/, reason)
  }
})

t.test('a 204 has no length (RFC 9110 section 8.6)', async t => {
  for (const length of ['0', '5']) {
    const answer = await answerTo(t, `HTTP/1.1 204 No Content\r\nContent-Length: ${length}\r\nX-Other: 1\r\n\r\n`)
    t.match(answer, /^HTTP\/1.1 204 [^]*\r\nX-Other: 1\r\n/, 'its other fields arrive')
    t.notMatch(answer, /content-length|transfer-encoding/i, `a length of ${length}`)
  }
})

t.test('the description is asked for without a coding, because it is rewritten', async t => {
  const upstream = await keptUpstream(t, socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}') })
  const proxy = await startTestProxy(t, testConfig(`http://127.0.0.1:${upstream.port}/MAAS`))
  const rows: Array<[path: string, sent: string[], wanted: string[], reason: string]> = [
    ['describe/', ['Accept-Encoding: gzip', 'accept-encoding: br'], ['Accept-Encoding: identity'], 'the client would take others'],
    ['describe/', [], ['Accept-Encoding: identity'], 'the client says nothing, which means any'],
    ['machines/', ['accept-encoding: gzip, br'], ['accept-encoding: gzip, br'], 'what is not read may have one']
  ]
  for (const [path, sent, wanted, reason] of rows) {
    t.match(await exchange(proxy.port, get(`/MAAS/api/2.0/${path}`, ...sent)), /^HTTP\/1.1 200 /)
    t.strictSame(headLines(upstream.requests.at(-1) ?? '').filter(line => /^accept-encoding/i.test(line)), wanted, reason)
  }
})
