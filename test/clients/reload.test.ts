import t, { type Test } from 'tap'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { loadConfig } from '../../src/settings/load.ts'
import { type LogRecord, startTestProxy, type TestProxy } from '../helper/proxy.ts'
import { rawUpstream, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const sharedLines = ['api-key-file: DIR/key', 'client-token-file: DIR/tokens']

/** A proxy whose settings are in files, and ways to change them. */
interface FiledProxy extends TestProxy {
  /** puts a file in the place of another, as editors and kubelet do; DIR in it is the directory of the files */
  put: (name: string, text: string) => void
  remove: (name: string) => void
  /** the status of an answer, and the code if the proxy itself refused */
  ask: (token: string, line: string, listener?: number) => Promise<string>
  /** puts a configuration file, reloads, and returns the records about it */
  change: (...lines: string[]) => Promise<LogRecord[]>
  path: (name: string) => string
}

async function start (t: Test, lines: readonly string[], files: Record<string, string> = {}): Promise<FiledProxy> {
  const upstream = await rawUpstream(t)
  const dir = t.testdir({})
  const path = (name: string) => join(dir, name)
  const put = (name: string, text: string) => {
    writeFileSync(path(`${name}.new`), text.replaceAll('DIR', dir), { mode: 0o600 })
    renameSync(path(`${name}.new`), path(name))
  }
  const putConfig = (lines: readonly string[]) => {
    put('proxy.yaml', [`maas-url: ${upstream.url}`, ...sharedLines, ...lines].join('\n'))
  }
  put('key', KEY)
  put('tokens', 'alice alice-token-0001\nbob bob-token-000001\n')
  for (const [name, text] of Object.entries(files)) put(name, text)
  putConfig(lines)
  const proxy = await startTestProxy(t, loadConfig({ config: [path('proxy.yaml')] }, {}))
  return {
    ...proxy,
    put,
    path,
    remove: name => { rmSync(path(name)) },
    ask: async (token, line, listener = 0) => {
      const { hostname, port } = new URL(proxy.addresses[listener] as string)
      const socket = connect(Number(port), hostname)
      socket.write(request([`${line.replace(' ', ' /MAAS/api/2.0/')} HTTP/1.1`, 'Host: localhost', `MAAS-Proxy-Token: ${token}`, 'Content-Length: 0']))
      const answer = await readAll(socket)
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
      const [, code] = /^maas-proxy-error: MAAS_PROXY_(\S+)\r$/im.exec(answer) ?? []
      return code === undefined ? `${status}` : `${status} ${code}`
    },
    change: async (...lines) => {
      const before = proxy.log.length
      putConfig(lines)
      await proxy.reload()
      return proxy.log.slice(before).filter(({ msg }) => /settings?|same as before|has changed|restart/.test(String(msg)))
    }
  }
}

const LISTENERS = "listeners: [{ listen: '127.0.0.1:0' }, { listen: '127.0.0.2:0', read-only: true }]"

t.test('rules, clients and limits of a running proxy are those of its files', async t => {
  const proxy = await start(t, [LISTENERS, 'policy: DIR/policy.json'], { 'policy.json': '{"deny": ["DELETE **"]}', token: 'carol-token-0001' })
  const ALICE = 'alice-token-0001'
  const { ask, change, put } = proxy
  t.strictSame([await ask(ALICE, 'POST tags/'), await ask(ALICE, 'DELETE tags/a/'), await ask(ALICE, 'POST tags/', 1)], ['200', '403 RULE_REFUSED', '403 WRITE_REFUSED'])

  t.match(await change(LISTENERS, 'deny: [POST tags/]'), [{ level: 30, changed: [proxy.path('proxy.yaml')], msg: 'the settings have been replaced; requests from now on follow the new ones' }], 'rules')
  t.strictSame([await ask(ALICE, 'POST tags/'), await ask(ALICE, 'DELETE tags/a/')], ['403 RULE_REFUSED', '200'])

  await change(LISTENERS, 'policy: DIR/policy.json', 'clients: [{ name: alice, read-only: true }, { name: carol, token-file: DIR/token }]')
  t.strictSame([await ask(ALICE, 'POST tags/'), await ask('bob-token-000001', 'POST tags/'), await ask('carol-token-0001', 'POST tags/')], ['403 WRITE_REFUSED', '200', '200'], 'clients')
  put('token', 'carol-token-0002')
  await proxy.logged(record => String(record['changed']) === proxy.path('token'))
  t.strictSame([await ask('carol-token-0001', 'GET tags/'), await ask('carol-token-0002', 'GET tags/')], ['401 CLIENT_UNKNOWN', '200'], 'the file of one token, without being told')
  put('policy.json', '{"deny": ["GET tags/"]}')
  await proxy.logged(record => String(record['changed']) === proxy.path('policy.json'))
  t.equal(await ask(ALICE, 'GET tags/'), '403 RULE_REFUSED', 'the file of rules')

  t.match(await change(LISTENERS, 'policy: DIR/policy.json', 'policy-mode: warn'), [{ level: 30 }], 'the mode')
  t.ok(proxy.log.some(({ level, msg }) => level === 40 && /: --policy-mode warn: the rules are not enforced$/.test(String(msg))), 'warns as at the start')
  t.equal(await ask(ALICE, 'GET tags/'), '200')
  await proxy.reload()
  t.ok(proxy.log.some(({ msg }) => msg === 'the settings are the same as before'), 'asked for without need')
  t.notMatch(JSON.stringify(proxy.log), /-token-000|c1234567890123456D/, 'no secret is logged')
})

t.test('a broken file changes nothing, says where it is broken, and counts', async t => {
  const proxy = await start(t, [LISTENERS])
  const { ask, change, put, remove } = proxy
  const failures = async () => /^maas_auth_proxy_config_reload_failures_total (\d+)$/m.exec(await (await fetch(`${proxy.address}/-/metrics`, { headers: { 'MAAS-Proxy-Token': 'alice-token-0001' } })).text())?.[1]
  t.equal(await failures(), '0')
  const config = [LISTENERS, 'deny: [POST tags/]']
  const rows: Array<[act: () => void, lines: string[], reason: RegExp, why: string]> = [
    [() => {}, [LISTENERS, 'deny: [POST tgas/]'], /proxy\.yaml:5:8: deny: "POST tgas\/" means no operation of MAAS; did you mean "POST tags\/"\?/, 'a rule that means nothing'],
    [() => {}, ['listeners: ['], /proxy\.yaml:4:13: is neither YAML nor JSON/, 'half of a file'],
    [() => { put('tokens', 'alice alice-token-0002 expires=2020-01-01\n') }, config, /line 1 has a wrong expires: "2020-01-01" is in the past/, 'a date in the past'],
    [() => { put('tokens', 'alice same-token-00001\nbob same-token-00001\n') }, config, /line 2: has the same token as/, 'one token for two'],
    [() => { remove('tokens') }, config, /--client-token-file.*there is no such file|client-token-file: ".*tokens": there is no such file/, 'no file']
  ]
  for (const [i, [act, lines, reason, why]] of rows.entries()) {
    act()
    t.match(await change(...lines), [{ level: 50, reason, failures: i + 1, msg: 'the settings could not be read again; the old ones stay in force' }], why)
    t.strictSame([await ask('alice-token-0001', 'POST tags/'), await ask('bob-token-000001', 'POST tags/')], ['200', '200'], `${why}: the old ones hold, all of them`)
  }
  t.equal(await failures(), '5')
  put('tokens', 'alice alice-token-0002\n')
  await proxy.reload()
  t.strictSame([await ask('alice-token-0002', 'POST tags/'), await ask('alice-token-0001', 'GET tags/')], ['403 RULE_REFUSED', '401 CLIENT_UNKNOWN'], 'what is mended is in force')
})

t.test('a failure that is no mistake of the settings changes nothing either', async t => {
  const { path } = await start(t, [LISTENERS])
  const config = await loadConfig({ config: [path('proxy.yaml')] }, {})
  const read = async () => { throw new Error('too many open files') }
  const proxy = await startTestProxy(t, { ...config, source: { ...config.source, files: [path('gone')], read } })
  await proxy.reload()
  t.match(await proxy.logged(({ level }) => level === 50), { reason: 'too many open files', failures: 1 })
})

t.test('a key that cannot be read holds settings back until it can', async t => {
  const proxy = await start(t, [LISTENERS])
  proxy.put('key', '')
  t.match((await proxy.change(LISTENERS, 'deny: [POST tags/]'))[0], { level: 50, reason: /api-key-file/ })
  t.equal(await proxy.ask('alice-token-0001', 'POST tags/'), '200')
  proxy.put('key', KEY)
  await until('the settings are in force', async () => await proxy.ask('alice-token-0001', 'POST tags/') === '403 RULE_REFUSED')
})

t.test('what needs a restart is told by its name, and the rest is in force', async t => {
  const proxy = await start(t, [LISTENERS])
  const restart = (records: readonly LogRecord[]) => records.filter(({ msg }) => /needs a restart/.test(String(msg))).map(({ setting }) => setting)
  const rows: Array<[lines: string[], wanted: string[], why: string]> = [
    [[LISTENERS, 'response-timeout: 5s', 'log-level: debug'], ['response-timeout', 'log-level'], 'settings of the program'],
    [[LISTENERS, 'drain-timeout: 1s', 'shutdown-delay: 1ms', 'max-maas-requests: 3', 'queue-timeout: 2s', 'client-body-timeout: 3s'], [], 'limits'],
    [["listeners: [{ listen: '127.0.0.1:1' }, { listen: '127.0.0.2:0', read-only: true }]"], ['listeners[0].listen'], 'another address'],
    [["listeners: [{ listen: '127.0.0.1:0', api-key-file: DIR/other }, { listen: '127.0.0.2:0', read-only: true }]"], ['listeners[0].api-key-file'], 'another file of a key'],
    [["listeners: [{ listen: '127.0.0.2:0', read-only: true }]"], ['listeners[0].listen'], 'one less'],
    [["listeners: [{ listen: '127.0.0.1:0' }, { listen: '127.0.0.3:0' }, { listen: '127.0.0.2:0', read-only: true }]"], ['listeners[1].listen'], 'one more']
  ]
  proxy.put('other', KEY)
  for (const [lines, wanted, why] of rows) {
    const records = await proxy.change(...lines)
    t.strictSame(restart(records), wanted, why)
    t.match(records[0], { msg: /^the settings have been replaced/ }, why)
  }
  t.strictSame(restart(await proxy.change(LISTENERS)), [], 'and not, once it is as at the start')
  const withAdmin = await start(t, [LISTENERS, "admin-listen: '127.0.0.1:0'"])
  t.strictSame(restart(await withAdmin.change(LISTENERS)), ['admin-listen'], 'what is no longer set, as it was called')
  await proxy.change("listeners: [{ listen: '127.0.0.3:0' }, { listen: '127.0.0.2:0' }, { listen: '127.0.0.1:0', deny: [POST tags/] }]")
  t.strictSame([await proxy.ask('alice-token-0001', 'POST tags/'), await proxy.ask('alice-token-0001', 'POST tags/', 1)], ['403 RULE_REFUSED', '200'], 'listeners correspond by their addresses')
})

t.test('a request is wholly decided by the rules that it began with', async t => {
  const proxy = await start(t, [LISTENERS, "deny: ['POST machines/*?op=release']"])
  /** Sends the head of a request, whose form is then being read. @returns what sends the form, and has the status */
  const begin = async () => {
    const socket = connect(proxy.port, '127.0.0.1')
    t.after(() => { socket.destroy() })
    socket.write(request(['POST /MAAS/api/2.0/machines/a/ HTTP/1.1', 'Host: localhost', 'MAAS-Proxy-Token: alice-token-0001', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 9', 'Expect: 100-continue']))
    const answer = readAll(socket)
    await once(socket, 'data') // 100 (Continue)
    return async () => {
      socket.write('op=deploy')
      return /HTTP\/1\.1 (?!100)(\d+)/.exec(await answer)?.[1]
    }
  }
  const rules = ["deny: ['POST machines/*?op=deploy']", "clients: [{ name: alice, deny: ['POST machines/*?op=deploy'] }]"]
  for (const rule of rules) {
    await proxy.change(LISTENERS, "deny: ['POST machines/*?op=release']")
    const before = await begin()
    await proxy.change(LISTENERS, rule)
    const after = await begin()
    t.strictSame([await before(), await after()], ['200', '403'], rule)
  }
})

t.test('rules that change under load lose no request', async t => {
  // Each set allows one operation only by both of its parts: with half of another it would allow none.
  const sets = [
    [LISTENERS, 'allow: [GET tags/, GET zones/]', 'deny: [GET zones/]', 'clients: [{ name: alice, allow: [GET tags/] }]'],
    [LISTENERS, 'allow: [GET tags/, GET zones/]', 'deny: [GET tags/]', 'clients: [{ name: alice, allow: [GET zones/] }]']
  ]
  const proxy = await start(t, sets[0] as string[])
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  t.after(() => { agent.destroy() })
  const end = new AbortController()
  const counts: Record<string, number> = {}
  const ask = async (path: string): Promise<number> => {
    const [answer] = await once(get({ agent, port: proxy.port, path: `/MAAS/api/2.0/${path}`, headers: { 'MAAS-Proxy-Token': 'alice-token-0001' } }), 'response') as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer.statusCode as number
  }
  const load = ['tags/', 'zones/', 'tags/', 'zones/'].map(async path => {
    while (!end.signal.aborted) {
      const status = await ask(path)
      counts[status] = (counts[status] ?? 0) + 1
    }
  })
  t.after(async () => { // also if the test fails in between: before the agent and the proxy end
    end.abort()
    await Promise.allSettled(load)
  })
  for (let i = 1; i <= 20; i++) {
    const records = await proxy.change(...sets[i % 2] as string[])
    t.match(records[0], { level: 30, msg: /have been replaced/ })
    t.strictSame([await ask('tags/'), await ask('zones/')], i % 2 === 0 ? [200, 403] : [403, 200], 'one of the two sets')
  }
  end.abort()
  await Promise.all(load)
  t.strictSame(Object.keys(counts), ['200', '403'], JSON.stringify(counts))
})
