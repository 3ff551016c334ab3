import t, { type Test } from 'tap'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadConfig, loadPolicies } from '../../src/settings/load.ts'
import { SettingsError } from '../../src/settings/settings-error.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import type { Environment } from '../../src/environment.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { runHere } from '../helper/process.ts'

const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'

function write (t: Test, text: string): string {
  const dir = t.testdir({})
  writeFileSync(join(dir, 'env'), '')
  for (const name of ['key', 'other', 'tokens']) writeFileSync(join(dir, name), name === 'tokens' ? 'alice 0123456789abcdef\n' : `${KEY.slice(0, -1)}${name[0]?.toUpperCase()}\n`, { mode: 0o600 })
  const path = join(dir, 'proxy.yaml')
  writeFileSync(path, text.replaceAll('DIR', dir))
  return path
}

const EXAMPLE = `
maas-url: http://localhost:5240/MAAS
api-key-file: DIR/key
drain-timeout: 5s
log-level: warn
deny: DELETE **
listeners:
  - listen: unix:/run/admin.sock
    socket-mode: 0660
    deny: GET files/**
  - listen: [127.0.0.1:5241, '127.0.0.1:5243']
    read-only: true
  - listen: 5242
    api-key-file: DIR/other
    client-token-file: DIR/tokens
    allow:
      - GET machines/**
      - POST machines/*?op=deploy
`

t.test('a file describes several listeners, each with its scope', async t => {
  const path = write(t, EXAMPLE)
  const flags = { config: [path], logLevel: ['debug'], envFile: [join(dirname(path), 'env')] }
  const config = await loadConfig(flags, { MAAS_PROXY_LOG_FORMAT: 'pretty' })
  t.match(config, { maasUrl: { href: 'http://localhost:5240/MAAS' }, drainTimeoutMs: 5000 })
  t.match(config, { logLevel: 'debug', logFormat: 'pretty' }, 'how the program talks may be said beside the file')
  t.equal((await loadConfig({ config: [path] }, {})).logLevel, 'warn', 'how the program talks may be said in the file')
  t.strictSame(config.warnings, [], 'a token of 16 characters is long enough')
  t.match(config.listeners, [
    { address: { path: /admin\.sock$/ }, socketMode: 0o660 },
    { address: { port: 5241 } },
    { address: { port: 5243 } },
    { address: { host: '127.0.0.1', port: 5242 }, clients: [{ name: 'alice' }] }
  ])
  const allowed = (i: number, method: string, path: string) => config.listeners[i]?.policy.decide({ method, path: `/MAAS/api/2.0/${path}`, op: null, fromPath: false }).allowed
  t.strictSame([0, 1, 3].map(i => allowed(i, 'DELETE', 'machines/abc/')), [true, false, false], 'what stands outside the list holds for those that do not have it themselves')
  t.strictSame([0, 1, 3].map(i => allowed(i, 'GET', 'files/x/')), [false, true, false], 'and each has its own')
  t.equal(config.keys.length, 2, 'those that use the same file share a key')
  t.equal(config.listeners[0]?.keyId, config.listeners[1]?.keyId)
  t.not(config.listeners[0]?.keyId, config.listeners[3]?.keyId)
})

t.test("README's example of clients means what README says", async t => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n(client-token-file: [^]*?)```/.exec(readme) ?? []
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\n', 'ci-token': 'ci-token-00000001\n' })
  for (const name of ['tokens', 'ci-token']) chmodSync(join(dir, name), 0o600)
  const path = join(dir, 'proxy.yaml')
  writeFileSync(path, `maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nlisteners: [{}]\n${example.replaceAll('/etc/maas-auth-proxy', dir)}`)
  t.match((await loadConfig({ config: [path] }, {})).listeners[0]?.clients, [{ name: 'alice', expires: null }, { name: 'ci', expires: new Date('3000-01-01T00:00:00Z') }])
})

t.test('the configuration file may be JSON', async t => {
  const path = write(t, '{"maas-url": "http://localhost:5240/MAAS", "api-key": "c:t:s", "listeners": [{"listen": "0"}]}')
  t.match((await loadConfig({}, { MAAS_PROXY_CONFIG: path })).listeners, [{ address: { port: 0 } }])
})

t.test('a value is the text that was written, in each version of YAML', async t => {
  for (const version of ['', '%YAML 1.1\n---\n', '%YAML 1.2\n---\n']) {
    const path = write(t, `${version}maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nlisteners: [{socket-mode: 0660, socket-group: 010, read-only: true}]`)
    t.match((await loadConfig({ config: [path] }, {})).listeners, [{ socketMode: 0o660, socketGroup: 10 }], version)
  }
})

t.test('errors of the configuration file name their place', async t => {
  const good = 'maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\n'
  const rows: Array<[text: string, flags: Flags, env: Environment, wanted: RegExp[], reason: string]> = [
    ['maas-url: [', {}, {}, [/proxy\.yaml:1:12: is neither YAML nor JSON: [^(]*a bracket or brace before it is not closed \(BAD_INDENT\)\n {2}1 \| maas-url: \[\n {4}\| {12}\^$/], 'a slip of the pen'],
    ['maas-url: [', {}, { MAAS_URL: 'http://x/MAAS' }, [/a configuration file describes everything/, /is neither YAML nor JSON/], 'and nothing that it may say is called missing'],
    ['just a text', {}, {}, [/: is not an object of settings/], 'something else'],
    [good, {}, {}, [/^--config: ".*proxy\.yaml": has no list listeners; write an entry for each listener/], 'no listeners'],
    [`${good}listeners: []`, {}, {}, [/proxy\.yaml:3:1: listeners: is not a list with an entry; write/], 'none in the list'],
    [`${good}listeners: [5241]`, {}, {}, [/: listeners\[0\] is not an object of settings/], 'a listener that is none'],
    [`${good}lisen: 1\nlisteners: [{listn: 5241}]`, {}, {}, [/: lisen: no such setting; did you mean listen\?/, /: listeners\[0\]\.listn: no such setting; did you mean listen\?/], 'settings that are none'],
    [`${good}"a b": 1\nlisteners: [{}]`, {}, {}, [/: "a b": no such setting/], 'nor this'],
    [`${good}env-file: x\nlisteners: [{}]`, {}, {}, [/: env-file: no such setting/], 'what leads to a file does not stand in it'],
    [`${good}listeners: [{log-level: debug}]`, {}, {}, [/: listeners\[0\]\.log-level: is a setting of the whole program; move it out of the listener/], 'a place too deep'],
    [`${good}listeners: [{read-only: [true, false]}]`, {}, {}, [/: listeners\[0\]\.read-only: takes one text, number or switch/], 'a list for one'],
    [`${good}listeners: [{listen: {port: 1}}]`, {}, {}, [/: listeners\[0\]\.listen: takes a text or a list of texts/], 'an object for a text'],
    [`${good}listeners: [{listen: 0.0.0.0:1}, {allow: GET nothing/}]`, {}, {}, [/proxy\.yaml:3:13: listeners\[0\]: --listen: http:\/\/0\.0\.0\.0:1 can be reached/, /proxy\.yaml:3:35: listeners\[1\]\.allow: "GET nothing\/" means no operation/], 'what is wrong in itself'],
    [`${good}listeners: [{socket-mode: 0o660}]`, {}, {}, [/proxy\.yaml:\d+:\d+: listeners\[0\]\.socket-mode: "0o660" is not a file mode/], 'as a number it would be 432, another mode, and one that lets others in'],
    [`%YAML 1.1\n---\n${good}listeners: [{socket-mode: 0x1b0}]`, {}, {}, [/socket-mode: "0x1b0" is not a file mode/], 'the same number in another notation'],
    [`${good}listeners: [{allow: }]`, {}, {}, [/proxy\.yaml:\d+:\d+: listeners\[0\]\.allow: is empty/], 'a list of rules that is nothing does not mean no rules'],
    [`${good}<<: {read-only: true}\n__proto__: {read-only: true}\nlisteners: [{}]`, {}, {}, [/: "<<": no such setting/, /: __proto__: no such setting/], 'no way around the names'],
    [`${good}api-key-file: DIR/key\nlisteners: [{}]`, {}, {}, [/^api-key and api-key-file: both are set; keep one/], 'two keys'],
    [`${good}connect-timeout: []\nlisteners: [{}]`, {}, {}, [/: connect-timeout: takes one text/], 'an empty list for one'],
    [`${good}listeners: [[]]`, {}, {}, [/listeners\[0\] is not an object of settings/], 'a list for a listener'],
    ['[]', {}, {}, [/is not an object of settings/], 'a list for all'],
    ['listeners: [{}]', {}, {}, [/^maas-url: not set in ".*proxy\.yaml"; write a line maas-url: /, /^api-key-file: not set in ".*"; write a line api-key-file: FILE/], 'none at all'],
    [`${good}listeners: [{}]`, { listen: [':1'], readOnly: ['true'] }, { MAAS_URL: 'http://x/MAAS' }, [/^--config and MAAS_URL, --listen, --read-only: a configuration file describes everything/], 'a file and flags'],
    [`${good}api-key: c:HIDDEN\nlisteners: [{}]`, {}, {}, [/proxy\.yaml:3:1: is neither YAML nor JSON: the key is given twice; keep one \(DUPLICATE_KEY\)$/], 'no secret is shown']
  ]
  for (const [text, flags, env, wanted, reason] of rows) {
    const path = write(t, text)
    try {
      await loadConfig({ config: [path], ...flags }, env)
      t.fail(reason)
    } catch (error) {
      const { problems } = error as SettingsError
      for (const pattern of wanted) t.ok(problems.some(problem => pattern.test(problem)), `${reason}: ${problems.join(' | ')}`)
      t.notMatch(problems.join(), /HIDDEN/)
    }
  }
  await t.rejects(loadConfig({ config: ['/nonexistent'] }, {}), /--config: "\/nonexistent": there is no such file/)
})

t.test('a key of one listener does not go to the MAAS of a profile that was only found', async t => {
  const path = write(t, 'listeners: [{api-key-file: DIR/key}]')
  const home = dirname(path)
  await makeStore(home, OWN, { only: login() })
  await t.rejects(loadConfig({ config: [path] }, { HOME: home }), /^maas-url: not set/)
  writeFileSync(path, 'listeners: [{}]')
  t.match(await loadConfig({ config: [path] }, { HOME: home }), { maasUrl: { href: 'http://maas.example:5240/MAAS' }, notices: [/the only profile/] }, 'where nothing was said of a key it brings both')
})

t.test('the policies of all listeners can be asked for', async t => {
  const path = write(t, EXAMPLE)
  t.strictSame((await loadPolicies({ config: [path] }, {})).map(({ addresses }) => addresses), [['unix:/run/admin.sock'], ['http://127.0.0.1:5241', 'http://127.0.0.1:5243'], ['http://127.0.0.1:5242']])
  await t.rejects(loadPolicies({ listen: ['x'] }, {}), /--listen: "x" is not an address/)
  const ask = async (subject: string) => await runHere(['policy', 'test', subject, '--config', path])
  t.match(await ask('GET machines/'), { code: 0, stdout: /^unix:\/run\/admin\.sock:\nallowed: .*\n.*\nhttp:.*5241, .*:5243:\nallowed: / })
  t.match(await ask('GET files/x'), { code: 1, stdout: /^unix:.*\nrefused: [^]*\nhttp:.*\nallowed/ }, 'all of them have to allow it')
})
