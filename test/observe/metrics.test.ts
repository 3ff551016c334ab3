import t from 'tap'
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parse } from 'yaml'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { ERRORS } from '../../src/errors.ts'
import { Durations } from '../../src/observe/metrics/durations.ts'
import type { MetricRow } from '../../src/observe/metrics/table.ts'
import { metricsPage } from '../../src/observe/metrics/page.ts'
import { knownOperations } from '../../src/policy/catalogue.ts'
import { API_ROOT } from '../../src/policy/segments.ts'
import { findResource, hasOperation, systemIdOf } from '../../src/policy/resources.ts'
import type { ListenerConfig } from '../../src/settings/listener-config.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { ask } from '../helper/maas-client.ts'
import { KEY, startTestProxy, testConfig, type TestProxy } from '../helper/proxy.ts'
import { exchange, get, rawUpstream, request } from '../helper/sockets.ts'

/** What a scrape says: the type of each metric, and its samples by name and labels as they are written. */
interface Scrape {
  text: string
  types: Map<string, string>
  samples: Map<string, number>
}

/** Reads the text format of Prometheus, and refuses what is not in it. */
function parseScrape (text: string): Scrape {
  const types = new Map<string, string>()
  const samples = new Map<string, number>()
  for (const line of text.split('\n').filter(line => line !== '' && !line.startsWith('# HELP '))) {
    const [, typed, type] = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line) ?? []
    if (typed !== undefined && type !== undefined) types.set(typed, type)
    else {
      const [, sample, value] = /^(\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? []
      if (sample === undefined || samples.has(sample)) throw new Error(`no sample, or the second of its name: ${line}`)
      samples.set(sample, Number(value?.replace('Nan', 'NaN').replace('+Inf', 'Infinity')))
    }
  }
  return { text, types, samples }
}

async function scrape ({ address }: Pick<TestProxy, 'address'>): Promise<Scrape> {
  const answer = await fetch(`${address}/-/metrics`)
  if (answer.status !== 200) throw new Error(`${answer.status}`)
  return parseScrape(await answer.text())
}

const P = 'maas_auth_proxy_'
const requests = (method: string, resource: string, op: string, access: string, status: number | string) => `${P}requests_total{method="${method}",resource="${resource}",op="${op}",access="${access}",status="${status}"}`

t.test('requests are counted by operation and outcome', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, { deny: ['DELETE **'], adminListen: ['127.0.0.1:0'] }, `${consumer}:${token}:${secret}`))
  const api = `${proxy.address}/MAAS/api/2.0`
  const rows: Array<[path: string, init: RequestInit, sample: string, reason: string]> = [
    ['/machines/', {}, requests('GET', 'machines/', 'none', 'signed', 200), 'a list'],
    ['/users/?op=whoami', {}, requests('GET', 'users/', 'whoami', 'signed', 200), 'an operation'],
    ['/version/', {}, requests('GET', 'version/', 'none', 'anonymous', 200), 'unsigned'],
    ['/machines/nobody/', {}, requests('GET', 'machines/{system_id}/', 'none', 'signed', 404), 'by route, not by path'],
    ['/machines/none/?op=made_up', {}, requests('GET', 'machines/{system_id}/', 'other', 'signed', 400), 'an operation that is none'],
    ['/tags/a/', { method: 'DELETE' }, requests('DELETE', 'tags/{name}/', 'none', 'none', 403), 'refused'],
    ['/nothing/here/', {}, requests('GET', 'other', 'none', 'signed', 404), 'no resource of MAAS'],
    ['/machines/', { method: 'HEAD' }, requests('HEAD', 'machines/', 'none', 'signed', 405), 'MAAS answers HEAD so'],
    ['/../../../made/up', { method: 'POST' }, requests('POST', 'other', 'none', 'none', 404), 'not for MAAS at all'],
    ['/../../../-/live', {}, requests('GET', '/-/live', 'none', 'none', 200), 'a page of the proxy']
  ]
  for (const [path, init] of rows) await (await fetch(api + path, init)).arrayBuffer()
  const odd = await exchange(proxy.port, request(['PROPFIND /MAAS/api/2.0/machines/ HTTP/1.1', 'Host: localhost']))
  t.match(odd, /^HTTP\/1.1 405 /)
  await exchange(proxy.port, 'nonsense\r\n\r\n')
  await exchange(proxy.port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')
  const { samples, types, text } = await scrape(proxy)
  for (const [, , sample, reason] of rows) t.equal(samples.get(sample), 1, `${reason}: ${sample}`)
  t.equal(samples.get(requests('PROPFIND', 'other', 'none', 'none', 405)), 1)
  t.equal(samples.get(`${P}refused_total{code="MAAS_PROXY_RULE_REFUSED"}`), 1)
  t.equal(samples.get(`${P}refused_total{code="MAAS_PROXY_METHOD_UNSUPPORTED"}`), 2, 'with and without a request')
  t.equal(samples.get(`${P}refused_total{code="MAAS_PROXY_REQUEST_MALFORMED"}`), 1, 'bytes that were no request')
  t.equal(samples.get(`${P}refused_total{code="MAAS_PROXY_HOST_REFUSED"}`), 0, 'what has not happened is 0, so that a rate sees the first')
  t.equal(samples.get(`${P}ready{key="MAAS_API_KEY"}`), 1)
  t.equal(samples.get(`${P}client_connections{listener="${proxy.address}"}`) !== undefined, true)
  t.ok((samples.get(`${P}key_loaded_timestamp_seconds{key="MAAS_API_KEY"}`) ?? 0) > 1.7e9)
  t.equal([...samples].filter(([name]) => name.startsWith(`${P}build_info{version="0`) && name.includes('commit="unknown"')).length, 1)
  for (const name of ['request_duration_seconds', 'upstream_duration_seconds']) {
    const at = (le: string) => samples.get(`${P}${name}_bucket{method="GET",le="${le}"}`) as number
    const bounds = [...text.matchAll(new RegExp(`${name}_bucket\\{method="GET",le="([^"]+)"`, 'g'))].map(([, le = '']) => le)
    t.strictSame(bounds.map(at), bounds.map(at).toSorted((a, b) => a - b), 'each bucket has those below it')
    t.equal(at('+Inf'), samples.get(`${P}${name}_count{method="GET"}`))
    t.ok((samples.get(`${P}${name}_sum{method="GET"}`) as number) > 0)
  }
  t.equal(samples.get(`${P}upstream_duration_seconds_count{method="GET"}`), 6, 'only what MAAS answered')
  t.equal(types.get('process_cpu_seconds_total'), 'counter')
  t.equal(types.get('nodejs_eventloop_lag_p99_seconds'), 'gauge')
  for (const part of [consumer, token, secret]) t.notMatch(text, part, 'nothing of the key')

  const admin = await fetch(`${proxy.adminAddress}/-/metrics`)
  t.equal(admin.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(admin.headers.get('cache-control'), 'no-store')
  const apart = parseScrape(await admin.text())
  t.equal(apart.samples.get(requests('GET', '/-/metrics', 'none', 'none', 200)), 1, 'the scrape before; scrapes at the other address are not counted')
})

t.test('errors, retries and connections of MAAS are counted', async t => {
  const stale = `Authorization Error: 'Expired timestamp: given 1 and now ${Math.floor(Date.now() / 1000)}, has a greater difference than threshold 300'`
  const answers = [
    `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${stale.length}\r\nConnection: close\r\n\r\n${stale}`,
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhel',
    'garbage\r\n\r\n'
  ]
  const upstream = await rawUpstream(t, socket => socket.end(answers.shift() ?? ''))
  const proxy = await startTestProxy(t, testConfig(upstream.url, { deny: ['PUT **'], policyMode: ['warn'] }))
  const path = '/MAAS/api/2.0/machines/'
  t.equal((await ask(proxy.port, { path })).body, 'hello')
  await t.rejects(ask(proxy.port, { path }))
  t.equal((await ask(proxy.port, { method: 'PUT', path, body: 'sent' })).status, 502)
  const { samples } = await scrape(proxy)
  const wanted: Array<[name: string, value: number, reason: string]> = [
    ['retries_total', 1, 'the refused timestamp'],
    ['cut_off_total', 1, 'the answer that was cut off'],
    ['upstream_errors_total{code="MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED"}', 2, 'it, and the garbage'],
    ['would_refuse_total', 1, 'what a rule only warns of'],
    ['request_body_bytes_total', 4, ''],
    ['response_body_bytes_total', 8, ''],
    ['upstream_requests{state="running"}', 0, ''],
    ['upstream_requests{state="waiting"}', 0, ''],
    ['upstream_connections{state="busy"}', 0, '']
  ]
  for (const [name, value, reason] of wanted) t.equal(samples.get(P + name), value, `${name} ${reason}`)
  t.ok(samples.has(`${P}clock_offset_seconds`))
})

t.test('a client that leaves before there is an answer has no status', async t => {
  const upstream = await rawUpstream(t, () => {})
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(get('/MAAS/api/2.0/machines/'))
  await upstream.sawText('\r\n\r\n')
  socket.destroy()
  await proxy.logged(record => record['msg'] === 'request')
  const { samples } = await scrape(proxy)
  t.equal(samples.get(requests('GET', 'machines/', 'none', 'signed', 'none')), 1)
  t.equal(samples.get(`${P}upstream_duration_seconds_count{method="GET"}`), undefined)
})

t.test('a duration counts in the first bucket whose bound is not below it', t => {
  const rows: Array<[seconds: number, le: number | string, reason: string]> = [
    [0, 0.005, 'less than every bound'],
    [0.005, 0.005, 'exactly a bound, which le includes'],
    [0.0051, 0.01, 'just above a bound'],
    [900, 900, 'exactly the last bound'],
    [901, '+Inf', 'more than every bound']
  ]
  for (const [seconds, le, reason] of rows) {
    const durations = new Durations()
    durations.add(seconds)
    const first = durations.samples().find(({ suffix, value }) => suffix === '_bucket' && value === 1)
    t.equal(first?.labels.le, le, reason)
  }
  t.end()
})

t.test('each scrape has the metrics in the order of the table, with the values of the moment', async t => {
  const durations = new Durations()
  let count = 0
  const rows: MetricRow[] = [
    {
      name: 'b_total',
      type: 'counter',
      labels: ['code'],
      help: 'a counter',
      samples: () => [{ labels: { code: 'A"\\' }, value: count }, { labels: { code: 'B' }, value: 0 }]
    },
    {
      name: 'c_seconds',
      type: 'histogram',
      labels: ['method'],
      help: 'a histogram',
      samples: () => durations.samples().map(sample => ({ ...sample, labels: { method: 'GET', ...sample.labels } }))
    },
    { name: 'a', type: 'gauge', labels: [], help: 'a gauge', samples: () => [{ labels: {}, value: -count }] },
    {
      name: 'd',
      type: 'gauge',
      labels: ['key'],
      help: 'one that comes and goes',
      samples: () => count < 3 ? [{ labels: { key: 'k' }, value: 1 }] : []
    }
  ]
  const page = metricsPage(rows)
  const ours = async () => (await page()).text.split('\n\n').slice(0, rows.length).join('\n\n')
  const small = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25']
  const large = ['0.5', '1', '2.5', '5', '10', '30', '60', '120', '300', '900']
  const bucket = (le: string, value: number) => `c_seconds_bucket{method="GET",le="${le}"} ${value}\n`
  for (const [next, seconds] of [[2, 0.4], [2, 0], [5, 1000]] as const) {
    count = next
    if (seconds > 0) durations.add(seconds)
    const long = seconds > 900 ? 1 : 0
    const buckets = [...small.map(le => bucket(le, 0)), ...large.map(le => bucket(le, 1)), bucket('+Inf', 1 + long)]
    t.equal(await ours(), `# HELP b_total a counter
# TYPE b_total counter
b_total{code="A\\"\\\\"} ${count}
b_total{code="B"} 0

# HELP c_seconds a histogram
# TYPE c_seconds histogram
${buckets.join('')}c_seconds_sum{method="GET"} ${0.4 + 1000 * long}
c_seconds_count{method="GET"} ${1 + long}

# HELP a a gauge
# TYPE a gauge
a -${count}

# HELP d one that comes and goes
# TYPE d gauge${count < 3 ? '\nd{key="k"} 1' : ''}`)
  }
})

/*
 * The attack: whoever can send requests makes up paths, operations and methods, until the label values fill the memory
 * of the proxy and of whatever scrapes it.
 */
t.test('unknown names from clients make no new series', async t => {
  const upstream = await rawUpstream(t, socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const made = async (i: number) => {
    const word = `x${i}"\\{}`.replaceAll(/[^\w]/g, character => encodeURIComponent(character))
    const paths = [`/MAAS/api/2.0/${word}/`, `/MAAS/api/2.0/machines/${word}/`, `/MAAS/api/2.0/machines/?op=${word}`, `/MAAS/api/2.0/machines/op-${word}`, `/MAAS/api/2.0/files/${word}/a/b/`, `/${word}`, `/-/${word}`, `/-/ready?${word}`, `/MAAS/api/${word}`]
    for (const path of paths) await ask(proxy.port, { path, headers: [['MAAS-Proxy-Access', i % 2 === 0 ? 'signed' : word]] })
    await exchange(proxy.port, request([`X${i} /MAAS/api/2.0/machines/ HTTP/1.1`, 'Host: localhost']))
  }
  const counted = async () => [...(await scrape(proxy)).samples.keys()].filter(name => name.startsWith(P)).toSorted()
  for (const i of [0, 1]) await made(i)
  await counted()
  const before = await counted()
  for (let i = 2; i < 40; i++) await made(i)
  t.strictSame(await counted(), before)
  t.notMatch(before.join(), /x\d/i)
})

t.test('a scrape needs a token where requests do, and not at the address for those who watch', async t => {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [`${dir}/tokens`], adminListen: ['127.0.0.1:0'] }))
  t.equal((await fetch(`${proxy.address}/-/metrics`)).status, 401)
  t.equal((await fetch(`${proxy.address}/-/metrics`, { headers: { Authorization: 'Bearer 0123456789abcdef' } })).status, 200)
  t.equal((await fetch(`${proxy.adminAddress}/-/metrics`)).status, 200)
  for (const part of Object.values(KEY)) t.notMatch(await (await fetch(`${proxy.adminAddress}/-/metrics`)).text(), part)
})

t.test('paths map to routes of the API', async t => {
  for (const { method, path, op, segments } of knownOperations()) {
    const resource = findResource(API_ROOT + path.replaceAll(/\{[^}]+\}/g, 'value'))
    const shape = (template = '') => template.replaceAll(/\{[^}]+\}/g, '*').replace('pods/', 'vm-hosts/')
    t.equal(shape(resource?.template), shape(path), path)
    if (resource === null) continue
    t.ok(hasOperation(resource, method, op), `${method} ${path} ${op}`)
    t.equal(systemIdOf(resource, API_ROOT + path.replaceAll(/\{[^}]+\}/g, 'value')), segments.includes('{system_id}') ? 'value' : null, path)
  }
  const rows: Array<[path: string, template: string | undefined, reason: string]> = [
    ['files/a/b', 'files/{filename}/', 'a name with a slash'],
    ['pods/1/', 'vm-hosts/{id}/', 'the old name'],
    ['nodes/x/blockdevices/1/partition/2', 'nodes/{system_id}/blockdevices/{device_id}/partitions/{id}', 'the singular'],
    ['machines/x/y/z/', undefined, 'beyond what there is'],
    ['', undefined, 'the root']
  ]
  for (const [path, template, reason] of rows) t.equal(findResource(API_ROOT + path)?.template.replace(/\/$/, ''), template?.replace(/\/$/, ''), reason)
  for (const path of ['/MAAS/api/version/', '/MAAS/api/1.0/machines/', '/MAAS/api/2.1/machines/']) t.equal(findResource(path), null, `${path} is not below the root`)
  const version = findResource(`${API_ROOT}version/`)
  t.ok(version !== null && hasOperation(version, 'HEAD', null) && !hasOperation(version, 'DELETE', null), 'HEAD is GET, and what a resource has not is not there')
})

const read = (name: string) => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')

/** Words of PromQL that are no metric. */
const PROMQL = ['abs', 'absent', 'and', 'by', 'histogram_quantile', 'increase', 'label_values', 'min', 'on', 'rate', 'sum', 'time', 'topk']

/** Labels that Prometheus itself adds, or PromQL needs. */
const ADDED = ['instance', 'job']

t.test('the dashboard and the alerts use only metrics that there are', async t => {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef expires=2999-12-31\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const config = await testConfig(upstream.url, { clientTokenFile: [`${dir}/tokens`] })
  const [listener] = config.listeners as [ListenerConfig]
  const { cert, key } = await makeCertificates()
  const encrypted = { ...listener, tls: { cert: [cert], key, clientCa: null } }
  const proxy = await startTestProxy(t, { ...config, listeners: [listener, encrypted] })
  const headers = { 'MAAS-Proxy-Token': '0123456789abcdef' }
  await fetch(`${proxy.address}/MAAS/api/2.0/machines/`, { headers })
  await fetch(`${proxy.address}/-/metrics`, { headers })
  const { samples } = parseScrape(await (await fetch(`${proxy.address}/-/metrics`, { headers })).text())
  const labelsOf = new Map<string, Set<string>>()
  for (const sample of samples.keys()) {
    const [, name = '', labels = ''] = /^(\w+)(.*)$/.exec(sample) ?? []
    const known = labelsOf.get(name) ?? new Set()
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
    labelsOf.set(name, known)
  }

  const check = (expression: string) => {
    const bare = expression.replaceAll(/\{[^}]*\}/g, '').replaceAll(/\[[^\]]*\]/g, '').replaceAll(/\b(?:by|on) \([^)]*\)|"[^"]*"/g, '')
    const used = [...bare.matchAll(/[a-z_]\w*/gi)].map(([word]) => word).filter(word => !PROMQL.includes(word) && !ADDED.includes(word))
    t.ok(used.length > 0, expression)
    for (const name of used) t.ok(labelsOf.has(name), `${name} in ${expression}`)
    const labels = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */))
    for (const label of labels) t.ok(ADDED.includes(label) || used.some(name => labelsOf.get(name)?.has(label)), `${label} in ${expression}`)
    for (const [, name = '', selector = ''] of expression.matchAll(/(\w+)\{([^}]*)\}/g)) {
      for (const [, label = '', value = ''] of selector.matchAll(/(\w+)[!=]~?"([^"]*)"/g)) {
        t.ok(ADDED.includes(label) || labelsOf.get(name)?.has(label), `${label} in ${expression}`)
        if (label === 'code') for (const code of value.split('|')) t.ok(code in ERRORS, code)
      }
    }
  }

  interface Panel { title: string, targets: Array<{ expr: string, legendFormat: string }> }
  const { panels, templating }: { panels: Panel[], templating: { list: Array<{ definition?: string }> } } = JSON.parse(read('grafana-dashboard.json'))
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  for (const { definition } of templating.list) if (definition !== undefined) expressions.push(definition)

  interface Rule {
    alert: string, expr: string, labels: { severity: string }, annotations: { summary: string, description: string }
  }
  const rules: Rule[] = parse(read('prometheus-alerts.yaml')).groups.flatMap(({ rules }: { rules: Rule[] }) => rules)
  for (const { alert, expr, labels, annotations } of rules) {
    t.match(alert, /^MaasAuthProxy[A-Z]/)
    t.match(labels.severity, /^(critical|warning)$/, alert)
    t.ok(annotations.summary.length > 20 && annotations.description.length > 40, `${alert} says what happened, and what to do`)
    expressions.push(expr)
  }
  for (const expression of expressions) check(expression)
  const shown = expressions.join()
  for (const name of labelsOf.keys()) if (name.startsWith(P) && !/_(sum|count)$/.test(name)) t.ok(shown.includes(name), `${name} is shown somewhere`)
})

const PROMTOOL = ((): string | null => {
  try {
    return execFileSync('sh', ['-c', 'command -v promtool'], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
})()

t.test('promtool accepts the metrics page', { skip: PROMTOOL === null && 'no promtool here; Debian has it in the package prometheus' }, async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await fetch(`${proxy.address}/MAAS/api/2.0/machines/`)
  await scrape(proxy)
  const { text } = await scrape(proxy)
  const own = text.split(/\n\n/).filter(block => block.includes(`# TYPE ${P}`)).join('\n') + '\n' // of what prom-client has by itself it finds fault with some names
  t.equal(execFileSync(PROMTOOL as string, ['check', 'metrics'], { input: own, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }), '')
  t.match(execFileSync(PROMTOOL as string, ['check', 'rules', new URL('../../config/prometheus-alerts.yaml', import.meta.url).pathname], { encoding: 'utf8' }), /SUCCESS: \d+ rules found/)
})
