import t, { type Test } from 'tap'
import { fastify } from 'fastify'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { admit } from '../../src/admit/plugin.ts'
import { createRuleset } from '../../src/admit/ruleset.ts'
import { exchanges } from '../../src/exchange/plugin.ts'
import { findOperation, type Operation } from '../../src/maas/operations.ts'
import { parseQuery } from '../../src/maas/query.ts'
import { asRule, knownOperations } from '../../src/policy/catalogue.ts'
import { matches, parseRule } from '../../src/policy/rule.ts'
import { segmentsOf } from '../../src/policy/segments.ts'
import { readShippedRows } from '../../src/policy/shipped-rules.ts'
import { errorAnswers } from '../../src/respond/errors.ts'
import type { ListenerConfig } from '../../src/settings/listener-config.ts'
import { loadConfig } from '../../src/settings/load.ts'
import type { SettingsError } from '../../src/settings/settings-error.ts'
import { type LogRecord, startTestProxy } from '../helper/proxy.ts'
import { exchange, rawUpstream, request } from '../helper/sockets.ts'

const sha = (token: string) => createHash('sha256').update(token).digest('hex')

/** The status and, if the proxy refused, the code of an answer. */
function outcome (answer: string): string {
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
  const [, code] = /^maas-proxy-error: MAAS_PROXY_(\S+)\r$/im.exec(answer) ?? []
  return code === undefined ? `${status}` : `${status} ${code}`
}

const FORM = 'Content-Type: application/x-www-form-urlencoded'

t.test('a client has what its own rules and those of the listener allow', async t => {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({
    tokens: [
      '# a comment',
      'free free-token-00001',
      `reader sha256:${sha('reader-token-0001')} read-only`,
      'deployer deployer-token-01 allow="POST machines/*?op=deploy" allow="GET machines/**" deny="GET machines/precious" expires=2999-12-31',
      'ci ci-token-00000001'
    ].join('\n'),
    carol: 'carol-token-00001\n',
    'proxy.yaml': [
      `maas-url: ${upstream.url}`, 'api-key: c:t:s', 'client-token-file: DIR/tokens',
      'listeners:',
      "  - { listen: '127.0.0.1:0', deny: 'DELETE **' }",
      "  - { listen: '127.0.0.1:0', policy-mode: warn, read-only: false }",
      "  - { listen: '127.0.0.1:0', clients: [{ name: only, token-file: DIR/carol }, { name: ci, deny: [GET tags/, 'POST machines/?op=allocate'] }] }",
      'clients:',
      '  - { name: ci, deny: GET tags/ }',
      `  - { name: carol, token-sha256: ${sha('carol-token-00001')}, allow: [GET tags/**] }`
    ].join('\n')
  })
  writeFileSync(join(dir, 'proxy.yaml'), readFileSync(join(dir, 'proxy.yaml'), 'utf8').replaceAll('DIR', dir))
  for (const file of ['tokens', 'carol', 'proxy.yaml']) chmodSync(join(dir, file), 0o600)
  const proxy = await startTestProxy(t, loadConfig({ config: [join(dir, 'proxy.yaml')] }, {}))
  const ports = proxy.addresses.map(address => Number(new URL(address).port))
  const ask = async (token: string, line: string, [fields = [], body = '']: [string[]?, string?] = [], listener = 0) => outcome(await exchange(ports[listener] as number, request([
    `${line.replace(' ', ' /MAAS/api/2.0/')} HTTP/1.1`, 'Host: localhost', `MAAS-Proxy-Token: ${token}`, `Content-Length: ${body.length}`, ...fields
  ]) + body))
  const rows: Array<[token: string, line: string, wanted: string, reason: string, form?: string]> = [
    ['free-token-00001', 'POST tags/', '200', 'without own rules those of the listener hold'],
    ['free-token-00001', 'DELETE tags/a/', '403 RULE_REFUSED', 'which hold for all'],
    ['reader-token-0001', 'GET tags/', '200', 'a read'],
    ['reader-token-0001', 'POST tags/', '403 WRITE_REFUSED', 'no write'],
    ['reader-token-0001', 'GET machines/a/?op=query_power_state', '403 WRITE_REFUSED', 'nor a read with an effect'],
    [`sha256:${sha('reader-token-0001')}`, 'GET tags/', '401 CLIENT_UNKNOWN', 'the digest of a token is no token'],
    [sha('reader-token-0001'), 'GET tags/', '401 CLIENT_UNKNOWN', 'nor without its prefix'],
    ['deployer-token-01', 'GET machines/a/', '200', 'an allow rule'],
    ['deployer-token-01', 'GET machines/precious/', '403 RULE_REFUSED', 'a deny rule wins'],
    ['deployer-token-01', 'GET tags/', '403 RULE_REFUSED', 'an allow rule closes the rest'],
    ['deployer-token-01', 'GET machines/a/?op=power_parameters', '403 CREDENTIAL_OPERATION_REFUSED', 'no rule of a client opens the guard'],
    ['deployer-token-01', 'POST machines/a/?op=deploy', '200', 'the op in the query'],
    ['deployer-token-01', 'POST machines/a/', '200', 'the op in a form', 'op=deploy'],
    ['deployer-token-01', 'POST machines/a/', '403 RULE_REFUSED', 'another op in a form', 'op=release'],
    ['deployer-token-01', 'POST machines/a/', '403 RULE_REFUSED', 'the last op of a form', 'op=deploy&op=release'],
    ['ci-token-00000001', 'GET tags/', '403 RULE_REFUSED', 'rules of the list for a client of the file'],
    ['ci-token-00000001', 'POST machines/', '200', 'but not of another list', 'op=allocate'],
    ['carol-token-00001', 'GET tags/', '200', 'a client of the list alone'],
    ['carol-token-00001', 'GET machines/', '403 RULE_REFUSED', 'with its rules'],
    ['only-token', 'GET tags/', '401 CLIENT_UNKNOWN', 'no token of anybody']
  ]
  for (const [token, line, wanted, reason, form] of rows) t.equal(await ask(token, line, form === undefined ? [] : [[FORM], form]), wanted, `${line}: ${reason}`)
  t.equal(await ask('deployer-token-01', 'POST machines/a/', [['Content-Type: multipart/form-data; boundary=x'], `--x\r\nContent-Disposition: form-data; name="op"\r\n\r\n${'a'.repeat(10)}`]), '403 OPERATION_UNDECIDED', 'a form that is cut off decides nothing')
  t.equal(await ask('free-token-00001', 'POST machines/a/', [['Content-Type: multipart/form-data; boundary=x'], '--x\r\nbroken']), '200', 'and matters to nobody whose rules do not ask')

  const warned: Array<[token: string, line: string, wanted: string, reason: string]> = [
    ['deployer-token-01', 'GET tags/', '200', 'rules of a client only warn where those of the listener do'],
    ['reader-token-0001', 'POST tags/', '403 WRITE_REFUSED', 'read-only is no rule that warns']
  ]
  for (const [token, line, wanted, reason] of warned) t.equal(await ask(token, line, [], 1), wanted, reason)
  t.match(await proxy.logged(record => record['client'] === 'deployer' && record['wouldRefuse'] !== undefined), { wouldRefuse: 'no allow rule of the client deployer that means it', status: 200 })

  t.equal(await ask('carol-token-00001', 'GET machines/', [], 2), '200', 'the list of a listener takes the place of the common one')
  t.equal(await ask('ci-token-00000001', 'POST machines/', [[FORM], 'op=allocate'], 2), '403 RULE_REFUSED')
  t.match(await proxy.logged(record => record['client'] === 'only'), { path: '/MAAS/api/2.0/machines/' }, 'which names it otherwise')
  const bodyOf = async (token: string, line: string) => (await exchange(ports[0] as number, request([`${line.replace(' ', ' /MAAS/api/2.0/')} HTTP/1.1`, 'Host: localhost', `MAAS-Proxy-Token: ${token}`]))).split('\r\n\r\n')[1]
  t.match(JSON.parse(await bodyOf('deployer-token-01', 'GET tags/') as string), { error: { message: 'refused by no allow rule of the client deployer that means it', remedy: "allow it with the client's rule allow \"GET tags/\"" } })
  t.match(JSON.parse(await bodyOf('deployer-token-01', 'GET machines/precious/') as string), { error: { message: 'refused by deny "GET machines/precious" of the client deployer', remedy: 'remove that rule if the client deployer is to do this' } })
  t.match(JSON.parse(await bodyOf('reader-token-0001', 'PUT tags/a/') as string), { error: { message: 'refused by read-only of the client reader', remedy: 'remove read-only from the rules of the client reader' } })
  t.match(JSON.parse(await bodyOf('reader-token-0001', 'GET machines/a/?op=query_power_state') as string), { error: { message: /^refused by read-only of the client reader: a read with an effect: / } })
  t.notMatch(JSON.stringify(proxy.log), /token-0/, 'no token is logged')
})

t.test('a client whose access has ended is told so, and its end is announced', async t => {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({})
  const file = join(dir, 'tokens')
  const soon = new Date(Date.now() + 1500)
  const later = new Date(Date.now() + 30 * 24 * 3_600_000)
  writeFileSync(file, `late late-token-000001 expires=${soon.toISOString().slice(0, 19)}Z\nsafe safe-token-000001 expires=${later.toISOString().slice(0, 10)}\nfree free-token-00001\n`, { mode: 0o600 })
  const config = await loadConfig({ maasUrl: [upstream.url], listen: ['127.0.0.1:0'], clientTokenFile: [file] }, { MAAS_API_KEY: 'c:t:s' }).catch((error: SettingsError) => error)
  if (config instanceof Error) return t.fail(config.message)
  const { listeners: [listener] } = config
  const clients = listener?.clients ?? []
  const past = new Date(Date.now() - 1000)
  const listeners = [{ ...listener, clients: clients.map(client => client.name === 'late' ? { ...client, expires: past } : client) }] as typeof config.listeners
  const proxy = await startTestProxy(t, { ...config, listeners })
  const ask = async (token: string, path = '/MAAS/api/2.0/machines/') => await exchange(proxy.port, request([`GET ${path} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${token}`]))
  const answer = await ask('late-token-000001')
  t.match(answer, /^HTTP\/1\.1 401 /)
  t.match(answer, /\r\nmaas-proxy-error: MAAS_PROXY_CLIENT_EXPIRED\r\n/i)
  const body = JSON.parse(answer.split('\r\n\r\n')[1] as string)
  t.match(body, { error: { message: /^the access of the client late ended at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, remedy: /another token, which maas-auth-proxy token NAME makes/ } })
  t.equal(outcome(await ask('late-token-000001', '/')), '401 CLIENT_EXPIRED', 'for the page too')
  t.equal(outcome(await ask('late-token-000001', '/-/live')), '200', 'but probes need no client')
  t.strictSame([outcome(await ask('safe-token-000001')), outcome(await ask('free-token-00001'))], ['200', '200'])
  t.match(await proxy.logged(record => record['error'] === 'MAAS_PROXY_CLIENT_EXPIRED'), { client: 'late', status: 401 }, 'the log says who')
  const ends = (record: LogRecord) => /access of a client/.test(String(record['msg']))
  t.match(proxy.log.filter(ends), [{ level: 40, client: 'late', expires: /Z$/, msg: 'the access of a client has ended' }], 'a month before nothing is said')
  const metrics = await ask('free-token-00001', '/-/metrics')
  t.match(metrics, new RegExp(`maas_auth_proxy_client_expires_timestamp_seconds\\{listener="${proxy.address}",client="late"\\} ${past.getTime() / 1000}`))
  t.match(metrics, /client_expires_timestamp_seconds\{listener="[^"]*",client="safe"\} \d+\n/)
  t.notMatch(metrics, /client="free"/)
})

t.test('an end within a week is announced at the start', async t => {
  const dir = t.testdir({})
  const file = join(dir, 'tokens')
  const day = new Date(Date.now() + 3 * 24 * 3_600_000).toISOString().slice(0, 10)
  writeFileSync(file, `ci ci-token-00000001 expires=${day}\n`, { mode: 0o600 })
  const proxy = await startTestProxy(t, loadConfig({ maasUrl: ['http://127.0.0.1:1/MAAS'], listen: ['127.0.0.1:0', '127.0.0.1:0'], clientTokenFile: [file] }, { MAAS_API_KEY: 'c:t:s' }))
  t.match(proxy.log.filter(({ msg }) => /ends within a week/.test(String(msg))), [{ level: 40, client: 'ci' }], 'once, on however many listeners')
})

/** A generator of numbers that repeats (mulberry32). */
function random (seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** A server that admits requests by the rules of a listener, and says whether it does. */
async function admission (t: Test, listener: ListenerConfig) {
  const ruleset = createRuleset(listener, { clientBodyTimeoutMs: 1000, ownClient: null })
  const app = fastify()
  t.after(async () => { await app.close() })
  await app.register(exchanges, { observers: [] })
  await app.register(errorAnswers, { isEmbedded: false, logOf: () => app.log })
  await app.register(admit, { ruleset: () => ruleset, hostClient: null, ownPages: new Set<string>(), openPaths: [] })
  app.addContentTypeParser('*', (_request, _body, done) => { done(null) })
  app.all('/*', () => 'admitted')
  return async (client: string, { method, path, op }: Operation, isInForm: boolean) => {
    const payload = isInForm ? { payload: `op=${op}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } } : {}
    const { statusCode } = await app.inject({
      method: method as 'GET', url: isInForm || op === null ? path : `${path}?op=${op}`, ...payload, headers: { ...payload.headers, 'maas-proxy-token': `${client}-token-00000001` }
    })
    return statusCode === 200
  }
}

t.test('a client has no more than its listener, whatever the rules are', async t => {
  const known = knownOperations()
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
  t.comment(`SEED=${seed}`)
  const pick = random(seed)
  const one = <T>(items: readonly T[]) => items[pick(items.length)] as T
  const rule = () => {
    const exact = asRule(one(known))
    return one([exact, exact, exact.replace(/\?op=.*/, ''), exact.replace(/^\w+/, '*'), exact.replace('*', 'abc'), exact.replace(/(?<= \w+)\/.*/, '/**'), `${one(['GET', 'POST', '*'])} **`])
  }
  const rules = (most: number) => {
    const allow = Array.from({ length: pick(most + 1) }, rule)
    const deny = Array.from({ length: pick(3) }, rule)
    return { 'read-only': String(pick(4) === 0), ...allow.length === 0 ? {} : { allow }, ...deny.length === 0 ? {} : { deny } }
  }
  const effectfulReads = readShippedRows('effectful-reads.json').map(({ rule }) => parseRule(rule))
  const counts = { configurations: 0, admitted: 0, narrowed: 0, refused: 0 }
  const dir = t.testdir({})
  for (let round = 0; counts.configurations < 40 && round < 1000; round++) {
    const of = { listener: { ...rules(4), 'allow-credential-operations': String(pick(3) === 0), 'policy-mode': one(['enforce', 'enforce', 'warn']) }, ci: rules(4) }
    const client = (name: string) => ({ name, 'token-sha256': sha(`${name}-token-00000001`) })
    const file = join(dir, 'proxy.json')
    writeFileSync(file, JSON.stringify({ 'maas-url': 'http://localhost/MAAS', 'api-key': 'c:t:s', listeners: [{ ...of.listener, clients: [{ ...client('ci'), ...of.ci }, client('free')] }] }))
    const config = await loadConfig({ config: [file] }, {}).catch(() => null) // rules may contradict each other
    const listener = config?.listeners[0]
    if (listener === undefined) continue
    counts.configurations++
    const passes = await admission(t, listener)
    const ruleTexts = { allow: (of.ci.allow ?? []).map(parseRule), deny: (of.ci.deny ?? []).map(parseRule) }
    for (let i = 0; i < 25; i++) {
      const { method, path, op } = one(known)
      const target = path.replaceAll(/\{[^}]+\}/g, () => one(['abc', 'def']))
      const operation = findOperation(method, `/MAAS/api/2.0/${target}`, parseQuery(op === null ? '' : `op=${op}`), null)
      const isInForm = op !== null && method === 'POST' && pick(2) === 0
      const [ci, free] = [await passes('ci', operation, isInForm), await passes('free', operation, isInForm)]
      const described = JSON.stringify({ ...of, operation, isInForm })
      if (ci && !free) t.fail(`wider than the listener: ${described}`)
      // What the client's rules say, by themselves: rules warn where those of the listener do, read-only never does.
      const segments = segmentsOf(target)
      const isEffectful = method !== 'GET' || effectfulReads.some(rule => matches(rule, operation, segments))
      const isReadOnly = of.ci['read-only'] === 'true' && isEffectful
      const isDenied = ruleTexts.deny.some(rule => matches(rule, operation, segments))
      const isUnnamed = ruleTexts.allow.length > 0 && !ruleTexts.allow.some(rule => matches(rule, operation, segments))
      const own = !isReadOnly && (of.listener['policy-mode'] === 'warn' || !(isDenied || isUnnamed))
      if (ci !== (free && own)) t.fail(`${ci ? 'admitted' : 'refused'} against its rules: ${described}`)
      counts[ci ? 'admitted' : free ? 'narrowed' : 'refused']++
    }
  }
  t.ok(Object.values(counts).every(count => count >= 20), JSON.stringify(counts))
})
