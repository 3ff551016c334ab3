import t from 'tap'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, headLines, rawUpstream, request } from '../helper/sockets.ts'

/*
 * The attack: somebody stores a file with a script in MAAS, and a link leads an operator's browser to it by way of the
 * proxy. The page is on the origin that lends the key, so its script could do whatever the key can. So an answer that a
 * browser may show as a document has no scripts and no forms, and belongs to no origin.
 */
t.test('an answer that a browser may show as a page has no scripts and no origin', async t => {
  let fields: string[] = []
  let status = '200 OK'
  const upstream = await rawUpstream(t, socket => {
    socket.end([`HTTP/1.1 ${status}`, ...fields, 'Content-Length: 2', 'Connection: close', '', 'ok'].join('\r\n'))
  })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const guard = async (...asked: string[]) => {
    const lines = headLines(await exchange(proxy.port, get('/MAAS/api/2.0/files/x/', ...asked)))
    return lines.filter(line => /^(?:content-security-policy|x-content-type-options):/i.test(line))
  }
  const INERT = ['Content-Security-Policy: sandbox', 'X-Content-Type-Options: nosniff']

  const types: Array<[types: string[], isPage: boolean, reason: string]> = [
    [['text/html; charset=utf-8'], true, 'HTML, as errors of MAAS and of its nginx are'],
    [['TEXT/HTML'], true, 'in any case'],
    [['application/xhtml+xml'], true, 'XHTML'],
    [['image/svg+xml'], true, 'SVG, which has scripts'],
    [['text/xml'], true, 'XML, which may hold XHTML'],
    [['application/xml'], true, 'the same'],
    [['application/atom+xml'], true, 'and of any kind'],
    [['text/xsl'], true, 'a style sheet that makes pages'],
    [['multipart/x-mixed-replace; boundary=b'], true, 'parts of any type'],
    [['unknown/unknown'], true, 'a type that browsers guess anew'],
    [['*/*'], true, 'so is this'],
    [['html'], true, 'a type without a slash'],
    [['text/html x'], true, 'one that is malformed'],
    [[''], true, 'an empty one'],
    [[], true, 'none'],
    [['text/plain', 'text/html'], true, 'two lines, of which browsers take one'],
    [['application/json', 'application/json'], true, 'two lines that agree, which MAAS never sends'],
    [['application/json'], false, 'JSON'],
    [['text/plain; charset=utf-8'], false, 'text'],
    [['application/octet-stream'], false, 'a file'],
    [['application/yaml'], false, 'the description'],
    [['image/png'], false, 'an image'],
    [['application/bson'], false, 'the details of a machine']
  ]
  for (const [values, isPage, reason] of types) {
    fields = values.map(value => `Content-Type: ${value}`)
    t.strictSame(await guard('Sec-Fetch-Dest: document'), isPage ? INERT : [], `${values.join(' and ')}: ${reason}`)
    t.strictSame(await guard(), isPage ? INERT : [], `${reason}: from a browser that does not say what it is for`)
  }

  fields = ['Content-Type: text/html']
  const destinations: Array<[destination: string, isDocument: boolean]> = [
    ...['document', 'iframe', 'frame', 'fencedframe', 'embed', 'object', 'something-new', 'empty, document', ''].map((name): [string, boolean] => [name, true]),
    ...['empty', 'image', 'script', 'style', 'font', 'worker', 'serviceworker'].map((name): [string, boolean] => [name, false])
  ]
  for (const [destination, isDocument] of destinations) {
    t.strictSame(await guard(`Sec-Fetch-Dest: ${destination}`), isDocument ? INERT : [], `for ${destination || 'nothing'}`)
  }
  t.strictSame(await guard('Sec-Fetch-Dest: empty', 'Sec-Fetch-Dest: document'), INERT, 'for two of them')

  for (status of ['404 Not Found', '401 Unauthorized', '302 Found', '500 Internal Server Error']) t.strictSame(await guard(), INERT, `an answer of ${status}`)
  status = '200 OK'
  fields = ['Content-Type: text/html', 'X-Content-Type-Options: none', "Content-Security-Policy: default-src 'self'"]
  t.strictSame(await guard(), ["Content-Security-Policy: default-src 'self'", ...INERT], 'what MAAS has set does not weaken it')
  fields = ['Content-Type: text/plain', 'Connection: content-type']
  t.match(await exchange(proxy.port, get('/MAAS/api/2.0/files/x/')), /\r\nContent-Type: text\/plain\r\n/i, 'MAAS cannot take the type away')
  fields = []
  for (status of ['204 No Content', '304 Not Modified']) t.strictSame(await guard('Sec-Fetch-Dest: document'), [], `${status}: there is no page`)
})

t.test('pages of the proxy keep a policy of their own', async t => {
  const proxy = await startTestProxy(t, testConfig((await rawUpstream(t)).url))
  const page = await exchange(proxy.port, request(['GET / HTTP/1.1', 'Host: localhost', 'Accept: text/html', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: none']))
  t.match(page, /\r\ncontent-security-policy: default-src 'none';[^\r]*\r\n/i)
  t.notMatch(page, /sandbox/)
})
