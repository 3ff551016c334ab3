import t from 'tap'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, headLines, jsonBody, rawUpstream, request } from '../helper/sockets.ts'

t.test('a Host is never used as a replacement pattern', async t => {
  const upstream = await rawUpstream(t, (socket, head) => {
    const location = `http://127.0.0.1:${port}/MAAS/x`
    const body = `{"a":"${location}","b":"${location}"}`
    if (head.includes('/describe/')) socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    else socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`)
  })
  const { port } = upstream
  const proxy = await startTestProxy(t, testConfig(upstream.url, { allowHost: ['*'] }))
  const rows: Array<[host: string, reason: string]> = [
    ["$'$'$'", 'what comes behind'],
    ["$$'", 'a dollar sign'],
    ['$&$&', 'what was found'],
    ['$1.$2', 'a group'],
    ['localhost:5241', 'a plain one']
  ]
  for (const [host, reason] of rows) {
    const asked = async (path: string) => await exchange(proxy.port, get(path).replace('Host: localhost', () => `Host: ${host}`))
    const rewritten = JSON.stringify({ a: `http://${host}/MAAS/x`, b: `http://${host}/MAAS/x` })
    t.ok((await asked('/MAAS/api/2.0/describe/')).includes(`\r\n${rewritten}\r\n`), `${reason}: in a body`)
    t.ok(headLines(await asked('/MAAS/api/2.0/machines/')).includes(`Location: http://${host}/MAAS/x`), `${reason}: in a redirect`)
  }
  const wrong: Array<[host: string, reason: string]> = [
    ['a"b', 'would end a string of JSON'],
    ['`', 'is in no name'],
    ['a/b', 'has a path'],
    ['x'.repeat(262), 'is longer than any name, so that answers would grow by it']
  ]
  for (const [host, reason] of wrong) {
    const answer = await exchange(proxy.port, get('/MAAS/api/2.0/describe/').replace('localhost', host))
    t.match(answer, /^HTTP\/1\.1 400 /, reason)
    t.match(jsonBody(answer).error, { code: 'MAAS_PROXY_HEADER_MALFORMED', message: 'the Host is not a host name' }, reason)
  }
})

t.test('a client that uses the proxy as a forward proxy is told what to do', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[line: string, status: number, code: string, reason: string]> = [
    ['GET http://maas.example:5240/MAAS/api/2.0/version/ HTTP/1.1', 400, 'MAAS_PROXY_TARGET_MALFORMED', 'curl -x'],
    ['GET https://maas.example/ HTTP/1.0', 400, 'MAAS_PROXY_TARGET_MALFORMED', 'an old one'],
    ['CONNECT maas.example:5443 HTTP/1.1', 405, 'MAAS_PROXY_METHOD_UNSUPPORTED', 'curl -x with https']
  ]
  for (const [line, status, code, reason] of rows) {
    const answer = await exchange(proxy.port, request([line, 'Host: maas.example']))
    t.match(answer, `HTTP/1.1 ${status} `, reason)
    t.match(jsonBody(answer).error, { code, message: /this is no forward proxy$/, remedy: /^use its address in place of that of MAAS, .*curl -x or http_proxy$/ }, reason)
  }
  t.equal(upstream.sockets.length, 0)
})
