import t from 'tap'
import { createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import type { FastifyRequest } from 'fastify'
import { startStandIn } from '../src/demo/stand-in/index.ts'
import { Exchange } from '../src/exchange/exchange.ts'
import type { Outcome } from '../src/exchange/plugin.ts'
import { chooseMediaType } from '../src/http/accept.ts'
import { LastHour } from '../src/observe/last-hour.ts'
import { RecentRequests } from '../src/observe/recent-requests.ts'
import { describeMode } from '../src/policy/mode.ts'
import type { Policy } from '../src/policy/policy.ts'
import { KnownFact } from '../src/proxy/known-fact.ts'
import type { DashboardData } from '../src/respond/dashboard-data.ts'
import { dashboardHtml } from '../src/respond/dashboard-html.ts'
import { durationsChart, requestsChart } from '../src/respond/charts.ts'
import { examplesOf } from '../src/respond/examples.ts'
import { Html, html } from '../src/respond/html.ts'
import type { Flags } from '../src/settings/setting-input.ts'
import { startTestProxy, testConfig } from './helper/proxy.ts'
import { exchange, get, jsonBody, rawUpstream, request } from './helper/sockets.ts'
import { until } from './helper/until.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

t.test('the media type follows the Accept field', async t => {
  const rows: Array<[accept: string | undefined, wanted: string, reason: string]> = [
    [undefined, 'text/plain', 'no wish'],
    ['*/*', 'text/plain', 'curl'],
    [BROWSER, 'text/html', 'a browser'],
    ['application/json', 'application/json', 'a program'],
    ['application/json, text/plain, */*', 'text/plain', 'the first of equals'],
    ['text/html;q=0.4, application/json; q=0.5', 'application/json', 'weights'],
    ['text/*;q=0.2, text/html', 'text/html', 'the most specific range counts'],
    ['text/html;q=0, */*', 'text/plain', 'not this'],
    ['image/png', 'text/plain', 'nothing of the kind'],
    ['text/html;q=2, nonsense, text/html;q=x', 'text/plain', 'what is malformed counts for nothing'],
    ['TEXT/HTML', 'text/html', 'in capitals']
  ]
  for (const [accept, wanted, reason] of rows) {
    t.equal(chooseMediaType(accept,
      ['text/plain', 'text/html', 'application/json']), wanted, reason)
  }
})

t.test('values are escaped in HTML', async t => {
  const rows: Array<[piece: Html, wanted: string, reason: string]> = [
    [html`<p title="${'"><script>'}">${"<&>'"}</p>`, '<p title="&quot;&gt;&lt;script&gt;">&lt;&amp;&gt;&#39;</p>',
      'texts and attributes'],
    [html`${1}${html`<b>${'<'}</b>`}${['<', html`<i>`]}`, '1<b>&lt;</b>&lt;<i>', 'numbers, pieces and lists'],
    [html`${'a\u0000\u001b\u2028b'}`, 'a??\u2028b', 'control characters'],
    [html``, '', 'nothing']
  ]
  for (const [piece, wanted, reason] of rows) t.equal(piece.text, wanted, reason)
})

t.test('the mode of a policy in words', async t => {
  const rows: Array<[flags: Flags, wanted: string]> = [
    [{}, 'reads and writes'],
    [{ readOnly: ['true'] }, 'read-only'],
    [{ allow: ['GET machines/**'] }, 'reads and writes, 1 rule'],
    [{ allow: ['GET machines/**'], deny: ['GET tags/'], policyMode: ['warn'] },
      'reads and writes, 2 rules, which only warn'],
    [{ allowCredentialOperations: ['true'] }, 'reads and writes, operations on credentials too'],
    [{ allowCredentialOperation: ['POST users/', 'GET machines/*?op=power_parameters'] }, 'reads and writes, POST users/ too, GET machines/*?op=power_parameters too']
  ]
  for (const [flags, wanted] of rows) {
    const { listeners: [listener] } = await testConfig('http://127.0.0.1:1/MAAS', flags)
    t.equal(describeMode(listener?.policy as Policy), wanted)
  }
})

t.test('lines to copy are for a shell, and for what the rules allow', async t => {
  const all = () => true
  t.equal(examplesOf("unix:/run/it's", null, all)[0]?.text,
    "curl --unix-socket '/run/it'\\''s' 'http://localhost/MAAS/api/2.0/users/?op=whoami'", 'a socket')
  t.equal(examplesOf('http://127.0.0.1:1', 'token', all)[0]?.text,
    "curl -H 'MAAS-Proxy-Token: TOKEN' 'http://127.0.0.1:1/MAAS/api/2.0/users/?op=whoami'", 'a token')
  t.strictSame(examplesOf('http://127.0.0.1:1', 'token', all).slice(3).map(({ text }) => text), [
    'maas login proxied http://127.0.0.1:1/MAAS x:x:TOKEN',
    "requests.get('http://127.0.0.1:1/MAAS/api/2.0/machines/', auth=('x', 'TOKEN')).json()",
    'cluster_instance: { host: "http://127.0.0.1:1/MAAS", customer_key: x, token_key: x, token_secret: TOKEN }'
  ], 'tools that have a token')
  t.strictSame(examplesOf('https://127.0.0.1:1', 'token', all).slice(2).map(({ text }) => text), [
    "curl --cacert CA.pem -H 'MAAS-Proxy-Token: TOKEN' 'https://127.0.0.1:1/MAAS/api/2.0/version/'",
    'maas login --cacerts CA.pem proxied https://127.0.0.1:1/MAAS x:x:TOKEN',
    "requests.get('https://127.0.0.1:1/MAAS/api/2.0/machines/', auth=('x', 'TOKEN'), verify='CA.pem').json()",
    'cluster_instance: { host: "https://127.0.0.1:1/MAAS", customer_key: x, token_key: x, token_secret: TOKEN }'
  ], 'a listener with TLS')
  t.strictSame(examplesOf('https://127.0.0.1:1', 'certificate', all).slice(2).map(({ text }) => text), [
    "curl --cacert CA.pem --cert CERT.pem --key KEY.pem 'https://127.0.0.1:1/MAAS/api/2.0/version/'",
    "requests.get('https://127.0.0.1:1/MAAS/api/2.0/machines/', cert=('CERT.pem', 'KEY.pem'), verify='CA.pem').json()"
  ], 'one whose clients have certificates')
  t.strictSame(examplesOf('http://127.0.0.1:1', null, ({ op }) => op === null).map(({ tool }) => tool),
    ['curl', 'curl', 'maas CLI', 'Python', 'Ansible'])
})

/** The end of a request. */
function outcome (exchange: Partial<Exchange>, rest: Partial<Outcome> = {}): Outcome {
  const request = { method: 'GET' } as FastifyRequest
  return { request, exchange: Object.assign(new Exchange(), exchange), status: 200, complete: true, ms: 10, ...rest }
}

t.test('fifty requests are kept, the latest first', async t => {
  const recent = new RecentRequests()
  t.strictSame(recent.latest, [])
  for (let i = 0; i < 70; i++) {
    recent.add(outcome({}, { ms: i }))
    t.equal(recent.latest[0]?.ms, i)
    t.equal(recent.latest.length, Math.min(i + 1, 50))
  }
  t.strictSame(recent.latest.map(({ ms }) => ms), Array.from({ length: 50 }, (_, i) => 69 - i))
  recent.add(outcome({}, { status: null, complete: false }))
  t.match(recent.latest[0], { status: undefined, complete: false }, 'a client that left')
})

t.test('the last hour is counted minute by minute', async t => {
  let now = 1000 * 60_000
  const hour = new LastHour(() => now)
  t.strictSame(hour.minutes.at(-1), { requests: 0, failed: 0, medianMs: 0, slowMs: 0 })
  for (let i = 0; i < 90; i++) hour.add(outcome({}, { ms: 7 }))
  for (let i = 0; i < 10; i++) hour.add(outcome({}, { ms: 500, status: 502 }))
  hour.add(outcome({ error: 'MAAS_PROXY_WRITE_REFUSED' }, { ms: 0.2, status: 403 }))
  hour.add(outcome({}, { ms: 1e9, status: null }))
  const { medianMs, slowMs, ...counts } = hour.minutes.at(-1) ?? { medianMs: 0, slowMs: 0 }
  t.strictSame(counts, { requests: 102, failed: 12 }, 'a refusal, a failure of MAAS and no answer are failures')
  t.ok(medianMs >= 7 && medianMs < 10, `the median: ${medianMs}`)
  t.ok(slowMs >= 500 && slowMs < 708, `the slowest: ${slowMs}`)
  now += 59 * 60_000
  t.equal(hour.minutes[0]?.requests, 102, 'an hour later it is the first')
  hour.add(outcome({}))
  now += 60_000
  t.strictSame(hour.minutes.map(({ requests }) => requests), [...new Array(58).fill(0), 1, 0], 'and then it is gone')
})

t.test('charts can show any hour', async t => {
  const quiet = { requests: 0, failed: 0, medianMs: 0, slowMs: 0 }
  const busy = { requests: 37, failed: 4, medianMs: 11, slowMs: 1448 }
  const hours = {
    empty: new Array(60).fill(quiet),
    busy: [...new Array(57).fill(quiet), busy, busy, quiet],
    one: [busy]
  }
  for (const [name, minutes] of Object.entries(hours)) {
    for (const { text } of [requestsChart(minutes), durationsChart(minutes)]) {
      t.notMatch(text,
        /NaN|Infinity|undefined|="-/, name)
    }
  }
  t.match(requestsChart(hours.busy).text, /<title>this minute: 0 requests[^]*|2 min ago: 37 requests, 4 failed/)
  t.match(requestsChart(hours.busy).text, /text-anchor="end">40<\/text>/, 'the scale is a round number')
  t.match(durationsChart(hours.busy).text, /text-anchor="end">10 s<\/text>/, 'and here a power of ten')
  t.equal(durationsChart(hours.busy).text.match(/M[\d.]+ [\d.]+h0.01L/g)?.length, 2, 'two lines, and no others')
})

t.test('a fact is requested once, and a failure is retried later', async t => {
  let asked = 0
  let answer: string | null = null
  const fact = new KnownFact(async () => { asked++; return answer })
  t.equal(fact.lastKnown, null)
  t.strictSame(await Promise.all([fact.find(), fact.find()]), [null, null])
  t.equal(asked, 1, 'callers at the same time share a question')
  answer = 'a'
  t.equal(await fact.find(), null, 'a failure counts for a moment')
  await until('it is asked for again', async () => await fact.find() === 'a')
  answer = 'b'
  t.equal(await fact.find(), 'a', 'an answer is kept')
  fact.learn(null)
  t.equal(await fact.find(), 'b', 'until it holds no longer')
  fact.learn('c')
  t.strictSame([await fact.find(), fact.lastKnown], ['c', 'c'])
  t.equal(asked, 3)
})

/** Asks for a page as a browser, a program or curl does. */
async function page (port: number, accept: string, ...fields: string[]) {
  const answer = await exchange(port, get('/', `Accept: ${accept}`, ...fields))
  const at = answer.indexOf('\r\n\r\n')
  return { head: answer.slice(0, at), body: Buffer.from(answer.slice(at + 4), 'latin1').toString() }
}

t.test('the page names the user of the key, also if requests were answered before MAAS was asked', async t => {
  const users: Array<[whoami: string, page: RegExp, reason: string]> = [
    ['200 OK', /"alice"/, 'MAAS says who it is'],
    ['500 Internal Server Error', /^(?![^]*"alice")/, 'MAAS does not say it']
  ]
  for (const [whoami, wanted, reason] of users) {
    const body = JSON.stringify({ username: 'alice', is_superuser: false })
    const upstream = await rawUpstream(t, (socket, head) => {
      const status = head.includes('whoami') ? whoami : '200 OK'
      socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
    t.match((await page(proxy.port, 'application/json')).body, wanted, reason)
  }
})

t.test('the front page shows the state of the proxy as HTML, text and JSON', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const flags = { readOnly: ['true'], deny: ['GET tags/'], allowHost: ['evil.example'] }
  const proxy = await startTestProxy(t, testConfig(maas.url, flags, `${consumer}:${token}:${secret}`))
  const browser = await page(proxy.port, BROWSER, 'X-Other: <script>')
  t.match(browser.head, /^HTTP\/1\.1 200 [^]*Content-Type: text\/html; charset=utf-8/i)
  t.match(browser.head, /vary: Accept\r\ncache-control: no-store/i)
  const [, style = ''] = /<style>([^]*?)<\/style>/.exec(browser.body) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  t.match(browser.head,
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`)
  t.notMatch(browser.body, /<script|<link|<img|style=|http-equiv|src=/i, 'it loads nothing')
  for (const text of [
    '● ready', `<dd>${maas.url}, version 3.`, '<dt>API key of</dt><dd>admin</dd>', '<dd>read-only, 1 rule</dd>',
    '--deny &quot;GET tags/&quot;', 'that of MAAS is', `curl &#39;${proxy.address}/MAAS/api/2.0/users/?op=whoami&#39;`,
    'maas login proxied', 'requests.get', 'cluster_instance', 'href="/-/ready"'
  ]) t.ok(browser.body.includes(text), text)

  const text = await page(proxy.port, '*/*')
  t.match(text.head, /content-type: text\/plain/i)
  t.match(text.body, new RegExp(`^maas-auth-proxy \\S+ signs [^]*\n {2}listens on  ${proxy.address}\n`))
  t.match(text.body, /\n {2}API key of {2}admin\n {2}ready {7}yes: MAAS answers/)
  t.match(text.body, /\n {2}rule {8}--deny "GET tags\/"\n\n {2}curl '/)
  const json = jsonBody(await exchange(proxy.port, get('/', 'Accept: application/json'))) as Record<string, unknown>
  t.match(json, { address: proxy.address, maas: { url: maas.url, version: /^3\./ }, user: 'admin' })
  t.match(json, { readiness: { ready: true }, mode: 'read-only, 1 rule', needsToken: false })
  for (const { body } of [browser, text, await page(proxy.port, BROWSER, 'Host: evil.example')]) {
    t.notMatch(body, /evil|<script>/, 'nothing of the request is in it')
  }
  t.notMatch(browser.body + text.body + JSON.stringify(json), new RegExp([consumer, token, secret].join('|')),
    'and no key')
})

t.test('a listener for clients with tokens says so', async t => {
  const upstream = await rawUpstream(t, () => {})
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [`${dir}/tokens`] }))
  const { body } = await page(proxy.port, '*/*', 'MAAS-Proxy-Token: 0123456789abcdef')
  t.match(body, /mode {8}reads and writes\n {2}clients {5}by token: 1 client\n[^]*curl -H 'MAAS-Proxy-Token: TOKEN' 'http:/)
  const described = async (...lines: string[]) => {
    writeFileSync(`${dir}/tokens`, `${lines.join('\n')}\n`)
    await proxy.reload()
    return (await proxy.facts()).map(({ clients }) => clients)
  }
  const [alice, bob] = ['alice 0123456789abcdef', 'bob bob-token-000001']
  t.strictSame(await described(alice, `${bob} read-only`), ['by token: 2 clients, 1 with rules of its own'])
  t.strictSame(await described(`${alice} read-only`, `${bob} read-only`), ['by token: 2 clients, 2 with rules of their own'])
})

t.test('a silent MAAS delays the front page by a second at most', async t => {
  const silent = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(silent.url))
  const { body } = await page(proxy.port, BROWSER)
  t.match(body, /● not ready[^]*<dt>MAAS<\/dt><dd>http:[^<,]*<\/dd>[^]*API key of<\/dt><dd>not known yet/)
  t.match(body, 'class="bad">no: MAAS has not been asked yet')
  t.match(body, '<dt>clock</dt><dd>not known yet</dd>')
  const down = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS'))
  t.match((await page(down.port, BROWSER)).body,
    /class="bad">no: MAAS refused the connection<\/dd>\n<dt>to do<\/dt><dd class="bad">check that MAAS runs/,
    'one that is not there')
})

t.test('facts that MAAS does not send are shown as unknown', async t => {
  const odd = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(odd.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/'))
  const { body } = await page(proxy.port, '*/*')
  t.match(body, new RegExp(`\n {2}MAAS {8}${odd.url}\n {2}API key of {2}not known yet\n {2}ready {7}yes: MAAS answers`))
})

t.test('lines to copy never have the address that means all addresses', async t => {
  const upstream = await rawUpstream(t, () => {})
  for (const [listen, wanted] of [['0.0.0.0:0', 'http://127.0.0.1:'], ['[::]:0', 'http://[::1]:']] as const) {
    const config = await testConfig(upstream.url,
      { listen: [listen], allowNonLoopback: ['true'], noClientAuth: ['true'] })
    const proxy = await startTestProxy(t, config).catch((error: NodeJS.ErrnoException) => {
      if (!/^(?:EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(String(error.code))) throw error
      return null
    })
    if (proxy === null) {
      t.pass(listen, { skip: 'this machine has no such address' })
      continue
    }
    const { body } = await page(proxy.port, '*/*')
    t.ok(body.includes(`curl '${wanted}${proxy.port}/MAAS/`), listen)
    t.ok(body.includes(`listens on  ${wanted}${proxy.port} and all other addresses of this machine\n`), listen)
    t.notMatch(body, /0\.0\.0\.0|\[::\]/)
  }
})

t.test('the page of the separate address has what one client may not know of others', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const listen = ['127.0.0.1:0', '127.0.0.1:0']
  const flags = { listen, adminListen: ['127.0.0.1:0'], deny: ['DELETE **'] }
  const proxy = await startTestProxy(t, testConfig(maas.url, flags, `${consumer}:${token}:${secret}`))
  const admin = Number(new URL(proxy.adminAddress ?? '').port)
  t.match((await page(admin, BROWSER)).body, /Errors since the start<\/h2><p class="quiet">none[^]*none yet/,
    'nothing yet')
  await exchange(proxy.port, get('/MAAS/api/2.0/users/?op=whoami&secret=HIDDEN'))
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/<img>/').replace('<img>', '%3Cimg%3E'))
  await exchange(proxy.port,
    request(['POST /MAAS/api/2.0/tags/?op=%3Cscript%3E HTTP/1.1', 'Host: localhost', 'Content-Length: 0']))
  await exchange(proxy.port, request(['DELETE /MAAS/api/2.0/tags/blue/ HTTP/1.1', 'Host: localhost']))
  await exchange(proxy.port, 'nonsense\r\n\r\n')
  await exchange(proxy.port, get('/MAAS/../'))

  const { head, body } = await page(admin, BROWSER)
  t.match(head, /^HTTP\/1\.1 200 [^]*refresh: 10\r\n/i)
  t.match(head, /default-src 'none'; style-src 'sha256-/)
  t.equal(body.match(/<dl class="facts">/g)?.length, 2, 'both listeners')
  for (const text of [
    '/MAAS/api/2.0/users/?op=whoami', '?op=&lt;script&gt;', 'MAAS_PROXY_RULE_REFUSED', '<svg ',
    'error: the rules do not allow the operation', 'hint: allow it with --allow', '(a target that is no path)'
  ]) t.ok(body.includes(text), text)
  t.match(body, /<td class="number">1<\/td><td><code>MAAS_PROXY_REQUEST_MALFORMED<\/code>/,
    'what never was a request is counted')
  t.notMatch(body, /<script|<img|HIDDEN/i)
  const text = await page(admin, '*/*')
  t.match(text.body, /listens on[^]*listens on/)
  t.match(text.body, /Z {2}DELETE {2}\/MAAS\/api\/2\.0\/tags\/blue\/ +403 .*\n {4}error: .*\n {4}hint: /)
  const json = jsonBody(await exchange(admin, get('/', 'Accept: application/json'))) as unknown as DashboardData
  t.match([json.listeners.length, json.latest.length, json.minutes.length], [2, 5, 60])
  t.equal(json.minutes.reduce((sum, { requests }) => sum + requests, 0), 5)
  t.notMatch((await page(proxy.port, BROWSER)).body, /whoami&secret|tags\/blue|<svg/,
    'the front page has nothing of it')
})

t.test('failed requests are marked in the list of requests', async t => {
  const facts = {
    version: '1',
    readiness: { ready: false, reason: '', remedy: null },
    maas: { url: '', version: null },
    rules: []
  }
  const request = { at: 0, method: 'GET', path: '/', ms: 1, complete: true }
  const latest = [{ ...request, status: 200 }, { ...request, status: 404 }, { ...request, status: 502 },
    { ...request, complete: false }]
  const page = dashboardHtml({ listeners: [facts], latest, errors: [], minutes: [] } as never)
  t.strictSame([...page.matchAll(/<td class="(\w+)">(\d+|---)</g)].map(([, ...match]) => match),
    [['good', '200'], ['odd', '404'], ['bad', '502'], ['bad', '---']])
  t.match(page, '<div class="odd">note: the client did not get the whole answer</div>')
})

t.test('the admin address refuses foreign names in Host', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t,
    testConfig(upstream.url, { adminListen: ['127.0.0.1:0'], allowHost: ['known.example'] }))
  const admin = Number(new URL(proxy.adminAddress ?? '').port)
  const rows: Array<[host: string, fields: string[], status: number, reason: string]> = [
    ['localhost', [], 200, 'a name of loopback'],
    ['10.1.2.3:9000', [], 200, 'an address, which no name resolves to'],
    ['[fd00::1]', [], 200, 'likewise'],
    ['known.example', [], 200, 'a name that is allowed'],
    ['evil.example', [], 403, 'DNS rebinding'],
    ['10.1.2.3.example', [], 403, 'a name that begins like an address'],
    ['localhost', ['Sec-Fetch-Site: cross-site'], 403, 'a request of another page'],
    ['localhost', ['Origin: http://evil.example'], 403, 'likewise']
  ]
  for (const [host, fields, status, reason] of rows) {
    t.match(await exchange(admin, get('/', ...fields).replace('localhost', host)),
      new RegExp(`^HTTP/1\\.1 ${status} `), reason)
    if (fields.length === 0) {
      t.match(await exchange(admin, get('/-/live').replace('localhost', host)),
        /^HTTP\/1\.1 200 /, 'probes are answered under any name')
    }
  }
})
