import t, { type Test } from 'tap'
import { once } from 'node:events'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { get } from 'node:https'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { parseRecording } from '../../src/observe/recording/recording-format.ts'
import type { OtherRequests, RecordedOperation } from '../../src/observe/recording/recording.ts'
import { loadConfig } from '../../src/settings/load.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { ask, type Ask, multipart } from '../helper/maas-client.ts'
import { runHere } from '../helper/process.ts'
import { KEY, startTestProxy, testConfig, type TestProxy } from '../helper/proxy.ts'
import { listenOn } from '../helper/sockets.ts'

const API = '/MAAS/api/2.0/'
const FORM: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']

/** A MAAS that reads each request to its end and answers 200, or what the path says. */
async function startMaas (t: Test): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const [, status = '200'] = /answer-(\d+)/.exec(String(request.url)) ?? []
      if (status === '000') request.socket.destroy()
      else response.writeHead(Number(status)).end()
    })
  })
  return `http://127.0.0.1:${await listenOn(t, server)}/MAAS`
}

/** Starts a proxy that records in a file of its own. */
async function startRecording (t: Test, flags: Parameters<typeof testConfig>[1] = {}, file = `${t.testdir({})}/work.json`): Promise<TestProxy & { file: string }> {
  const proxy = await startTestProxy(t, testConfig(await startMaas(t), { learn: [file], ...flags }))
  return { ...proxy, file }
}

const read = (file: string) => parseRecording(readFileSync(file, 'utf8'))

/** Whether a row has all fields of another. */
function fits<Row extends object> (row: Row, wanted: Partial<Row>): boolean {
  return (Object.keys(wanted) as Array<keyof Row>).every(name => isDeepStrictEqual(row[name], wanted[name]))
}

const subjectOf = ({ method, route, op }: RecordedOperation) => `${method} ${route}${op === null ? '' : `?op=${op}`}`

/** Every spelling of an operation, and what MAAS runs. */
const SPELLINGS: ReadonlyArray<readonly [asked: Ask, wanted: string, reason: string]> = [
  [{ method: 'POST', path: 'machines/abc/?op=deploy' }, 'POST machines/{system_id}/?op=deploy', 'the op in the query'],
  [{ method: 'POST', path: 'machines/abc/?op=release&op=deploy' }, 'POST machines/{system_id}/?op=deploy', 'two, of which the last counts'],
  [{ method: 'POST', path: 'machines/abc/', headers: [FORM], body: 'op=deploy' }, 'POST machines/{system_id}/?op=deploy', 'in a form'],
  [{ method: 'POST', path: 'machines/abc/?op=', headers: [FORM], body: 'op=deploy', chunked: true }, 'POST machines/{system_id}/?op=deploy', 'in a form, with an empty one in the query, in chunks'],
  [{ method: 'POST', path: 'machines/abc/?op=deploy', headers: [FORM], body: 'op=release' }, 'POST machines/{system_id}/?op=deploy', 'in both, of which the query counts'],
  [{ method: 'POST', path: 'machines/abc/', ...multi() }, 'POST machines/{system_id}/?op=deploy', 'in a multipart form'],
  [{ method: 'POST', path: 'machines/abc/op-deploy' }, 'POST machines/{system_id}/?op=deploy', 'at the end of the path'],
  [{ method: 'POST', path: '/machines//abc//?op=deploy' }, 'POST machines/{system_id}/?op=deploy', 'double slashes'],
  [{ method: 'POST', path: '%6dachines/%61bc/?op=%64eploy' }, 'POST machines/{system_id}/?op=deploy', 'escapes'],
  [{ method: 'POST', path: 'zones/', headers: [FORM], body: `name=${'x'.repeat(2_000_000)}` }, 'POST zones/', 'a form that is too long to read, where there is no op'],
  [{ method: 'GET', path: 'machines/abc/' }, 'GET machines/{system_id}/', 'a read'],
  [{ method: 'HEAD', path: 'machines/abc/' }, 'GET machines/{system_id}/', 'HEAD, the GET without a body'],
  [{ method: 'GET', path: 'machines/abc' }, 'GET machines/{system_id}/', 'without the slash at the end'],
  [{ method: 'GET', path: 'nodes/abc/' }, 'GET nodes/{system_id}/', 'a machine as a node, which is another operation'],
  [{ method: 'GET', path: 'nodes/abc/blockdevices/1/partition/2' }, 'GET nodes/{system_id}/blockdevices/{device_id}/partitions/{id}', 'the singular'],
  [{ method: 'GET', path: 'files/a%2Fb/' }, 'GET files/{filename}/', 'a slash in a name'],
  [{ method: 'GET', path: 'pods/1/' }, 'GET vm-hosts/{id}/', 'an old name'],
  [{ method: 'GET', path: 'scripts/op-backup' }, 'GET scripts/{name}', 'a name that looks like an op']
]

function multi (): Pick<Ask, 'headers' | 'body'> {
  const { type, body } = multipart([{ name: 'comment', value: 'x' }, { name: 'op', value: 'deploy' }])
  return { headers: [['Content-Type', type]], body }
}

t.test('each spelling of a request is learned as the one operation that MAAS runs', async t => {
  const proxy = await startRecording(t)
  for (const [asked] of SPELLINGS) await ask(proxy.port, { ...asked, path: API + asked.path })
  await proxy.stop()
  const recorded = read(proxy.file).operations
  const counts = Object.fromEntries(recorded.map(row => [subjectOf(row), row.count]))
  for (const [, wanted, reason] of SPELLINGS) {
    t.equal(counts[wanted], SPELLINGS.filter(([, other]) => other === wanted).length, `${wanted}: ${reason}`)
  }
  t.equal(recorded.length, new Set(SPELLINGS.map(([, wanted]) => wanted)).size, 'and nothing else')
  t.strictSame(recorded.map(({ names }) => names), [
    { system_id: 'abc' }, {}, { system_id: 'abc' }, { system_id: 'abc' }, { system_id: 'abc', device_id: '1', id: '2' }, { filename: 'a/b' }, { id: '1' }, { name: 'op-backup' }
  ], 'with the names that were always the same')

  const { stdout } = await runHere(['policy', 'learn', proxy.file])
  const { allow } = parse(stdout) as { allow: string[] }
  t.equal(allow.length, recorded.length)
  const enforcing = await startTestProxy(t, testConfig(await startMaas(t), { allow }))
  for (const [asked, , reason] of SPELLINGS) t.equal((await ask(enforcing.port, { ...asked, path: API + asked.path })).status, 200, `the learned rules let it pass: ${reason}`)
  t.equal((await ask(enforcing.port, { method: 'POST', path: `${API}machines/abc/?op=release` })).status, 403, 'and not its neighbour')
})

t.test('a recording has operations, and no value that was sent', async t => {
  const dir = t.testdir({ tokens: 'alice HIDDEN-token-0123456789\nbob HIDDEN-token-9876543210\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const proxy = await startRecording(t, { clientTokenFile: [`${dir}/tokens`], deny: ['DELETE **'] }, `${dir}/work.json`)
  const send = async (client: string | null, method: string, path: string, rest: Partial<Ask> = {}) => {
    const token: Array<[string, string]> = client === null ? [] : [['MAAS-Proxy-Token', client === 'alice' ? 'HIDDEN-token-0123456789' : 'HIDDEN-token-9876543210']]
    await ask(proxy.port, { method, path, ...rest, headers: [...token, ...rest.headers ?? []] })
  }
  const headers: Array<[string, string]> = [['X-Secret', 'HIDDEN-header'], ['Cookie', 'id=HIDDEN-cookie'], ['User-Agent', 'HIDDEN-agent']]
  await send('alice', 'GET', `${API}machines/?hostname=HIDDEN-value&HIDDEN-name=1`, { headers })
  await send('alice', 'GET', `${API}machines/?id=HIDDEN-2`)
  await send('bob', 'POST', `${API}tags/`, { headers: [FORM], body: 'name=HIDDEN-form&op=HIDDEN-op' })
  await send('bob', 'POST', `${API}tags/`, { headers: [FORM], body: 'name=HIDDEN-form' })
  await send('bob', 'POST', `${API}machines/`, { headers: [FORM], body: `op=${'HIDDEN'.repeat(200_000)}` })
  await send('bob', 'POST', `${API}made-up/`, { headers: [FORM], body: `op=${'HIDDEN'.repeat(200_000)}` })
  await send('bob', 'PUT', `${API}tags/blue/`, { headers: [['Content-Type', 'application/json']], body: '{"comment":"HIDDEN-json"}' })
  await send('bob', 'GET', `${API}tags/blue/?op=HIDDEN-op`)
  await send('bob', 'DELETE', `${API}tags/blue/?HIDDEN=1`)
  await send('bob', 'GET', `${API}users/?op=whoami&answer-404`)
  await send('bob', 'GET', `${API}tags/answer-000/`).catch(() => {})
  await send('bob', 'GET', `${API}tags/${'x'.repeat(300)}/`)
  await send('bob', 'GET', `${API}machine/abc/?HIDDEN`)
  await send('bob', 'GET', '/MAAS/r/?HIDDEN')
  await send('bob', 'GET', '/MAAS/api/2.0/../?HIDDEN')
  await send(null, 'GET', `${API}version/`)
  await send(null, 'GET', `${API}tags/?HIDDEN-nobody`)
  for (const page of ['/', '/-/live', '/-/ready', '/-/metrics']) await send('bob', 'GET', page)
  await proxy.stop()

  const text = readFileSync(proxy.file, 'utf8')
  t.notMatch(text, /HIDDEN/i, 'no value or name of a query, no header, no body, no token')
  for (const part of Object.values(KEY)) t.notMatch(text, part, 'no part of the key')
  t.equal(statSync(proxy.file).mode & 0o777, 0o600, 'for its owner alone')
  const { operations, others } = read(proxy.file)
  const rows: Array<[row: Partial<RecordedOperation>, reason: string]> = [
    [{ method: 'GET', route: 'machines/', op: null, client: 'alice', count: 2, statuses: { '2xx': 2 }, example: `${API}machines/`, refused: null, by: null, names: {} }, 'reads'],
    [{ method: 'POST', route: 'tags/', client: 'bob', count: 1 }, 'a form without an op'],
    [{ method: 'PUT', route: 'tags/{name}/', names: { name: 'blue' }, example: `${API}tags/blue/` }, 'the name that was always the same'],
    [{ method: 'DELETE', route: 'tags/{name}/', refused: 'MAAS_PROXY_RULE_REFUSED', by: '--deny "DELETE **"', statuses: { '4xx': 1 } }, 'a refused one, and by what'],
    [{ method: 'GET', route: 'users/', op: 'whoami', client: 'bob', statuses: { '4xx': 1 } }, 'one that MAAS does not find'],
    [{ method: 'GET', route: 'tags/{name}/', client: 'bob', count: 2, statuses: { '2xx': 1, '5xx': 1 }, names: {}, example: `${API}tags/answer-000/`, refused: null }, 'one that MAAS did not answer, and a name that is too long to keep'],
    [{ method: 'GET', route: 'version/', client: null, listener: 'http://127.0.0.1:0' }, 'one without a client']
  ]
  for (const [row, reason] of rows) t.ok(operations.some(found => fits(found, row)), reason)
  t.equal(operations.length, rows.length)
  const unknown: Array<[row: Partial<OtherRequests>, reason: string]> = [
    [{ method: 'POST', reason: 'MAAS has no such operation', example: `${API}tags/` }, 'an op that MAAS does not have'],
    [{ method: 'POST', reason: 'its form has more than 1 MiB', count: 2 }, 'a form that is too long to read'],
    [{ method: 'GET', reason: 'MAAS has no such operation', count: 2, statuses: { '2xx': 2 }, example: `${API}tags/blue/` }, 'an op and a path that MAAS does not have, in one row'],
    [{ method: 'GET', reason: 'refused before its operation was read', refused: 'MAAS_PROXY_PATH_UNSERVED', example: '/MAAS/r/' }, 'one outside of the API'],
    [{ method: 'GET', refused: 'MAAS_PROXY_TARGET_MALFORMED', example: null, client: null }, 'one without a path'],
    [{ method: 'GET', refused: 'MAAS_PROXY_CLIENT_UNKNOWN', example: `${API}tags/`, client: null }, 'one of a client that nobody knows']
  ]
  for (const [row, reason] of unknown) t.ok(others.some(found => fits(found, row)), reason)
  t.equal(others.length, unknown.length, 'and the proxy\'s own pages are not among them')
  for (const { first, last, count } of operations) t.ok(first <= last && (count > 1 || first === last) && /^\d{4}-\d\d-\d\dT/.test(first), 'the times of the first and the last')
})

t.test('for a service that runs already: rules only warn, all is recorded, and then the rules are switched on', async t => {
  const requests: Ask[] = [{ path: `${API}machines/` }, { method: 'POST', path: `${API}machines/abc/`, headers: [FORM], body: 'op=power_on' }, { path: `${API}version/` }]
  const proxy = await startRecording(t, { allow: ['GET version/'], policyMode: ['warn'] })
  for (const request of requests) t.equal((await ask(proxy.port, request)).status, 200, 'nothing is refused')
  await proxy.stop()
  const missing = 'no --allow rule that means it'
  t.strictSame(read(proxy.file).operations.map(row => [subjectOf(row), row.refused, row.by]), [
    ['GET machines/', null, missing], ['POST machines/{system_id}/?op=power_on', null, missing], ['GET version/', null, null]
  ], 'and the recording has what would have been')
  const today = await runHere(['policy', 'test', '--recording', proxy.file, '--allow', 'GET version/', '--policy-mode', 'warn'])
  t.match(today, { code: 1, stdout: /1 of 3 operations that were asked for are allowed/ }, 'the rules of today would refuse some')
  const { stdout } = await runHere(['policy', 'learn', proxy.file])
  const { allow } = parse(stdout) as { allow: string[] }
  t.equal((await runHere(['policy', 'test', '--recording', proxy.file, ...allow.flatMap(rule => ['--allow', rule])])).code, 0, 'those that were learned refuse none')
  const enforcing = await startTestProxy(t, testConfig(await startMaas(t), { allow }))
  for (const request of requests) t.equal((await ask(enforcing.port, request)).status, 200, 'also where they are enforced')
})

t.test('what is asked of a listener with TLS is learned for it', async t => {
  const { ca, cert, key } = await makeCertificates()
  const dir = t.testdir({ cert, key })
  const [config, file] = [`${dir}/proxy.yaml`, `${dir}/work.json`]
  writeFileSync(config, `maas-url: ${await startMaas(t)}\napi-key: a:b:c\nlisteners:\n  - { listen: '127.0.0.1:0', tls-cert-file: ${dir}/cert, tls-key-file: ${dir}/key }\n  - listen: 127.0.0.2:0\n`, { mode: 0o600 })
  const proxy = await startTestProxy(t, loadConfig({ config: [config], learn: [file] }, {}))
  const [answer] = await once(get(`https://127.0.0.1:${proxy.port}${API}zones/`, { ca }), 'response')
  answer.resume()
  await proxy.stop()
  const { stdout } = await runHere(['policy', 'learn', file, '--config', config])
  t.strictSame(parse(stdout), { listeners: [{ listen: ['127.0.0.1:0'], allow: ['GET zones/'] }, { listen: ['127.0.0.2:0'] }] })
  t.match(await runHere(['policy', 'test', '--recording', file, '--config', config]), { code: 0, stdout: /^allowed: GET zones\// })
})
