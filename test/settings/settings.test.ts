import t from 'tap'
import { createPrivateKey } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { AnonymousOperations } from '../../src/maas/access.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from '../../src/settings/anonymous-operations.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { parseCommandLine } from '../../src/cli/flags.ts'
import { type Config, loadConfig } from '../../src/settings/load.ts'
import { SettingsError } from '../../src/settings/settings-error.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import type { Environment } from '../../src/environment.ts'
import { SETTINGS } from '../../src/settings/table.ts'
import { digestOf } from '../../src/settings/client-row.ts'
import { parseGroup, parseListenAddress, parseSocketMode } from '../../src/settings/listen.ts'
import { formatListenAddress, isLoopback } from '../../src/listen/address.ts'
import { parseDuration, parseHostName, parseOrigin, parseSwitch, quote, readSettingFile } from '../../src/settings/values.ts'

const BASE = { MAAS_URL: 'http://maas:5240/MAAS', MAAS_API_KEY: 'c:t:s' }

async function problemsOf (act: () => unknown): Promise<readonly string[]> {
  try {
    await act()
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

t.test('a listen address', async t => {
  const rows: Array<[text: string, host: string, port: number, reason: string]> = [
    ['127.0.0.1:5241', '127.0.0.1', 5241, 'host and port'],
    [':5242', '127.0.0.1', 5242, 'no host'],
    ['5242', '127.0.0.1', 5242, 'the port alone'],
    ['0', '127.0.0.1', 0, 'a free one'],
    ['localhost:1', '127.0.0.1', 1, 'by name, without asking a name server'],
    ['127.8.9.1:1', '127.8.9.1', 1, 'all of 127/8 is loopback'],
    ['[::1]:5241', '::1', 5241, 'IPv6'],
    ['65535', '127.0.0.1', 65535, 'the last port there is'],
    ['0.0.0.0:5241', '0.0.0.0', 5241, 'all of them; whether that is allowed is asked elsewhere']
  ]
  for (const [text, host, port, reason] of rows) t.strictSame(parseListenAddress(text), { host, port }, reason)
  t.strictSame(parseListenAddress('unix:/run/x.sock'), { path: '/run/x.sock' }, 'a socket')
  t.match(parseListenAddress('unix:x.sock'), { path: /^\/.*\/x\.sock$/ }, 'relative to the working directory')
  t.strictSame(parseListenAddress(`unix:/${'x'.repeat(102)}`), { path: `/${'x'.repeat(102)}` }, 'a path of 103 bytes, which every system takes')
  t.equal(formatListenAddress({ path: '/x' }), 'unix:/x')
  for (const [address, wanted] of [['127.0.0.1:1', true], ['127.9.9.9:1', true], ['[::1]:1', true], ['unix:/x', true], ['0.0.0.0:1', false], ['[::]:1', false], ['192.168.1.1:1', false], ['maas.example:1', false], ['127.0.0.1.evil:1', false], ['127.evil:1', false]] as const) {
    t.equal(isLoopback(parseListenAddress(address)), wanted, address)
  }
  t.equal(formatListenAddress({ host: '::1', port: 1 }), 'http://[::1]:1')
  t.equal(formatListenAddress({ host: '127.0.0.1', port: 1 }), 'http://127.0.0.1:1')
  const refused: Array<[text: string, wanted: RegExp]> = [
    ['127.0.0.1', /; did you mean "127\.0\.0\.1:5241"\?$/],
    ['::1:80', /; did you mean "\[::1\]:80"\?$/],
    ['', /write host:port/],
    ['x:', /write host:port/],
    ['127.999.1.1:80', /"127.999.1.1" is not an IP address/],
    ['[1::2::3]:80', /is not an IP address/],
    ['65536', /not between 0 and 65535/],
    ['-1', /write host:port/],
    ['unix:', /not the path of a socket/],
    ['unix:a\0b', /not the path of a socket/],
    [`unix:/${'x'.repeat(103)}`, /104 bytes long, over 103/],
    [`unix:/${'ä'.repeat(52)}`, /105 bytes long/]
  ]
  for (const [text, wanted] of refused) t.throws(() => parseListenAddress(text), wanted, text)
})

t.test('the mode and group of a socket', async t => {
  for (const [text, wanted] of [['0600', 0o600], ['660', 0o660], ['000', 0]] as const) t.equal(parseSocketMode(text), wanted)
  for (const text of ['600x', '1777', '9', '', '0x1ff', '00600', '60']) t.throws(() => parseSocketMode(text), /three octal digits/, text)
  t.equal(parseGroup('12'), 12)
  t.equal(parseGroup('root'), 0)
  for (const text of ['no-such-group', 'roo', 'root:x', '']) t.throws(() => parseGroup(text), { message: `there is no group "${text}" in /etc/group; a number works for any` })
})

t.test('switches, hosts and origins', async t => {
  for (const [text, wanted] of [['true', true], ['1', true], ['Yes', true], ['false', false], ['0', false], ['no', false]] as const) t.equal(parseSwitch(text), wanted, text)
  for (const text of ['maybe', '', 'truee', 'constructor', '__proto__']) t.throws(() => parseSwitch(text), /neither true nor false/, text)
  for (const text of ['proxy', 'Proxy.example:80', '10.0.0.1', '[::2]:1', '*']) t.equal(parseHostName(text), text.toLowerCase())
  for (const text of ['http://x', 'a b', 'x:', '', 'a*', 'x@y']) t.throws(() => parseHostName(text), /not a host name/, text)
  for (const text of ['http://localhost:3000', 'https://a.example']) t.equal(parseOrigin(text), text)
  for (const text of ['null', '*', 'http://x/', 'http://x:80', 'localhost:3000', 'HTTP://x']) t.throws(() => parseOrigin(text), /not an origin/, text)
})

t.test('a time has a unit and a maximum', async t => {
  const times = [['1ms', 1], ['500ms', 500], ['10s', 10_000], ['15m', 900_000], ['24h', 86_400_000]] as const
  for (const [text, wanted] of times) t.equal(parseDuration(text), wanted, text)
  for (const text of ['10', '1.5s', '-1s', 's', '10 s', '1d', '']) t.throws(() => parseDuration(text), /whole number and a unit/, text)
  for (const text of ['0s', '0ms', '86400001ms', '25h']) t.throws(() => parseDuration(text), /between/, text)
})

t.test('what a message quotes is one short line', async t => {
  t.equal(quote('a\nb'), '"a\\nb"')
  t.notMatch(quote('at a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F!'), /1234/, 'and no key in the wrong place')
  t.notMatch(quote('ab1234567890:cd1234567890:ef1234567890'), /1234/, 'nor what may be a part of one')
  t.equal(quote('at b123:cd12:ef12'), '"at b123:cd12:ef12"', 'what is shorter is another text')
  t.equal(quote('x'.repeat(200)), `"${'x'.repeat(200)}"`, 'a text of 200 characters is shown whole')
  for (const length of [201, 300]) t.equal(quote('x'.repeat(length)), `"${'x'.repeat(197)}..."`, `one of ${length} is cut`)
})

t.test('a file that a setting names', async t => {
  const dir = t.testdir({ file: 'text' })
  t.equal(readSettingFile(`${dir}/file`), 'text')
  t.throws(() => readSettingFile(`${dir}/none`), /no such file/)
  t.throws(() => readSettingFile(dir), /is a directory/)
  t.throws(() => readSettingFile('a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'), /not shown\): there is no such file/)
  t.throws(() => readSettingFile(`${dir}/file/x`), /cannot be read \(ENOTDIR\)/)
})

t.test('a flag wins over the environment, that over .env, that over the default', async t => {
  const dir = t.testdir({ 'my.env': 'MAAS_PROXY_LISTEN=:3\nMAAS_PROXY_CONNECT_TIMEOUT=3s\nMAAS_URL=http://file/MAAS\n' })
  const env = { ...BASE, MAAS_PROXY_ENV_FILE: `${dir}/my.env`, MAAS_PROXY_LISTEN: ':2' }
  const rows: Array<[
    flags: Flags, env: Environment, wanted: Partial<Record<keyof Config, unknown>>, reason: string
  ]> = [
    [{ listen: [':1'] }, env, { listeners: [{ address: { host: '127.0.0.1', port: 1 } }], connectTimeoutMs: 3000 }, 'the flag wins'],
    [{}, env, { listeners: [{ address: { host: '127.0.0.1', port: 2 } }], maasUrl: { origin: 'http://maas:5240', href: 'http://maas:5240/MAAS' } }, 'the environment wins over the file'],
    [{}, { ...env, MAAS_PROXY_LISTEN: '' }, { listeners: [{ address: { host: '127.0.0.1', port: 3 } }] }, 'a variable that is empty is not set'],
    [{}, BASE, { listeners: [{ address: { host: '127.0.0.1', port: 5241 }, dualOperations: 'signed' }], connectTimeoutMs: 10_000, responseTimeoutMs: 900_000, drainTimeoutMs: 30_000, logLevel: 'info', logFormat: 'auto' }, 'defaults']
  ]
  for (const [flags, environment, wanted, reason] of rows) t.match(await loadConfig(flags, environment), wanted, reason)
  t.type((await loadConfig({}, BASE)).listeners[0]?.anonymousOperations, AnonymousOperations)
  t.equal(process.env['MAAS_PROXY_CONNECT_TIMEOUT'], undefined, 'nothing of the file gets into the environment')
})

t.test('what may be given more than once', async t => {
  const rulesOf = ({ listeners: [listener] }: Config) =>
    listener?.policy.rules.map(({ rule }) => rule).filter(({ text }) => !credential.has(text))
  const credential = new Set((await loadConfig({}, BASE)).listeners[0]?.policy.rules.map(({ rule }) => rule.text))
  const rules = ['GET machines/**', '* tags/**'].map(text => ({ text }))
  t.match(rulesOf(await loadConfig({ allow: ['GET machines/**', '* tags/**'] }, BASE)), rules, 'as flags')
  t.match(rulesOf(await loadConfig({}, { ...BASE, MAAS_PROXY_ALLOW: 'GET machines/** ;\n* tags/**\n' })), rules, 'as a variable, split at semicolons and line breaks')
  const { listeners } = await loadConfig({}, { ...BASE, MAAS_PROXY_LISTEN: ':1 ; unix:/x' })
  t.strictSame(listeners.map(({ address }) => address), [{ host: '127.0.0.1', port: 1 }, { path: '/x' }])
  t.strictSame(rulesOf(await loadConfig({}, BASE)), [])
  t.match(await problemsOf(() => loadConfig({}, { ...BASE, MAAS_PROXY_ALLOW: ' ; ' })), [/^MAAS_PROXY_ALLOW: is empty/], 'nothing between semicolons does not mean no rules')
})

t.test('listening beyond loopback needs an explicit setting', async t => {
  const dir = t.testdir({ tokens: 'alice 0123456789abcdef\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const open = { listen: ['0.0.0.0:1', ':2'] }
  const rows: Array<[flags: Flags, wanted: RegExp[], reason: string]> = [
    [open, [/^--listen: http:\/\/0\.0\.0\.0:1 can be reached .* --allow-non-loopback .*--client-token-file$/], 'not unless asked for'],
    [{ ...open, allowNonLoopback: ['true'] }, [/clients need tokens: .*--client-token-file, or give --no-client-auth$/], 'and then not without tokens'],
    [{ ...open, allowNonLoopback: ['true'], noClientAuth: ['true'] }, [], 'unless that is asked for too'],
    [{ ...open, allowNonLoopback: ['true'], clientTokenFile: [`${dir}/tokens`] }, [], 'with tokens it is'],
    [{ clientTokenFile: [`${dir}/tokens`], noClientAuth: ['true'] }, [/contradict each other/], 'both is a contradiction'],
    [{ clientTokenFile: [`${dir}/tokens`] }, [], 'on loopback tokens are optional']
  ]
  for (const [flags, wanted, reason] of rows) {
    const problems = await problemsOf(() => loadConfig(flags, BASE))
    t.equal(problems.length, wanted.length, reason)
    t.match(problems, wanted, reason)
  }
  t.match((await loadConfig({ ...open, allowNonLoopback: ['true'], noClientAuth: ['true'], allowHost: ['*'], allowCredentialOperations: ['true'], policyMode: ['warn'] }, BASE)).warnings, [
    /^MAAS_URL: /, /^MAAS_API_KEY: the key does not/, /^--allow-credential-operations: whoever/, /^--listen: http:.* can be reached from other machines without TLS/, /^--no-client-auth: whoever/, /^--allow-host \*: any web page/, /^--policy-mode warn: /
  ], 'each guard that is off warns')
  t.notMatch((await loadConfig({ noClientAuth: ['true'] }, BASE)).warnings.join(), /--no-client-auth/, 'on loopback nobody is let in by it')
})

t.test('a file of client tokens', async t => {
  const rows: Array<[content: string, wanted: RegExp]> = [
    ['', /has no client/],
    ['# only a comment\n\n', /has no client/],
    ['alice\n', /line 1 is not NAME TOKEN/],
    ['alice HIDDEN more\n', /line 1 is not NAME TOKEN/],
    ['alice HIDDEN\nbo,b HIDDEN2\n', /line 2 is not NAME TOKEN/],
    ['alice HIDDÄN\n', /line 1 is not NAME TOKEN/],
    ['alice HIDDEN\nbob HIDDEN\n', /line 2: has the same token as --client-token-file: ".*": line 1, so alice and bob could not be told apart$/]
  ]
  for (const [content, wanted] of rows) {
    const path = `${t.testdir({ tokens: content })}/tokens`
    chmodSync(path, 0o600)
    const problems = await problemsOf(() => loadConfig({ clientTokenFile: [path] }, BASE))
    t.match(problems, [wanted], content)
    t.notMatch(problems.join(), /HIDD/, 'no token is repeated')
  }
  const path = `${t.testdir({ tokens: '# clients\n\n  alice   one \r\nbob@x two\n' })}/tokens`
  chmodSync(path, 0o640)
  t.match((await loadConfig({ clientTokenFile: [path] }, BASE)).warnings.join(), /the token of alice, bob@x is shorter than 16 characters/)
  t.strictSame((await loadConfig({ clientTokenFile: [path] }, BASE)).listeners[0]?.clients, [{ name: 'alice', digest: digestOf('one'), certificate: null, policy: null, expires: null }, { name: 'bob@x', digest: digestOf('two'), certificate: null, policy: null, expires: null }])
  for (const [mode, problem] of [[0o644, /every user of this machine may read it/], [0o660, /other users may write it/], [0o620, /other users may write it/], [0o602, /other users may write it/]] as const) {
    chmodSync(path, mode)
    t.match(await problemsOf(() => loadConfig({ clientTokenFile: [path] }, BASE)), [problem], mode.toString(8))
  }
})

t.test('rules that match no operation are errors', async t => {
  const dir = t.testdir({
    broken: '{',
    key: 'HIDDEN:t:s',
    list: '[]',
    unknown: '{"allows": []}',
    text: '{"allow": "GET machines/**"}',
    rule: '{"allow": ["GET machines/**"], "deny": ["* tags/**", "POST tag/*"]}',
    number: '{"deny": [1]}',
    empty: '{"allow": []}',
    good: '{"allow": ["GET machines/**"], "deny": ["GET machines/*?op=details"]}'
  })
  const rows: Array<[flags: Flags, wanted: RegExp[], reason: string]> = [
    [{ allow: ['GET machnes/**'] }, [/^--allow: "GET machnes\/\*\*" means no operation of MAAS; did you mean "GET machines\/\*"\?$/], 'a typing error'],
    [{ deny: ['POST machines/*?op=poweron'] }, [/^--deny: .*did you mean "POST machines\/\*\?op=power_on"\?$/], 'in the op'],
    [{ allow: ['GET'] }, [/^--allow: "GET": write METHOD/], 'no path'],
    [{ readOnly: ['true'], allow: ['GET,POST machines/**'] }, [/^--read-only and --allow "GET,POST machines\/\*\*": contradict each other/], 'a contradiction'],
    [{ readOnly: ['true'], allow: ['* machines/**', 'GET tags/**'] }, [], 'none: the star is what there is'],
    [{ allow: ['GET machines/*?op=power_parameters'] }, [/--allow "GET .*": means only operations that hand out.*--allow-credential-operation RULE too$/], 'a rule that would allow nothing'],
    [{ allow: ['GET machines/*?op=power_parameters'], allowCredentialOperations: ['true'] }, [], 'with the guard off it does'],
    [{ policy: [`${dir}/broken`] }, [/^--policy: ".*broken": not JSON, from line 1, column 2 on; every text stands in double quotes/], 'no JSON'],
    [{ policy: [`${dir}/key`] }, [/^--policy: ".*key": not JSON/], 'a key, which is not repeated'],
    [{ policy: [`${dir}/list`] }, [/not an object with the keys allow and deny/], 'another shape'],
    [{ policy: [`${dir}/unknown`] }, [/has an unknown key "allows"/], 'an unknown key'],
    [{ policy: [`${dir}/text`] }, [/allow is not a list of rules/], 'no list'],
    [{ policy: [`${dir}/rule`] }, [/deny\[1\]: "POST tag\/\*" means no operation/], 'a typing error in it'],
    [{ policy: [`${dir}/number`] }, [/deny\[0\]: is not a text/], 'no text'],
    [{ policy: [`${dir}/empty`] }, [/allow is empty; give it a rule, or leave it out/], 'an empty list'],
    [{ allow: [''] }, [/^--allow: is empty; give it a value/], 'an empty rule'],
    [{ listen: [' '] }, [/^--listen: is empty/], 'an empty address'],
    [{ policy: [`${dir}/good`], allow: ['* tags/**'] }, [], 'a file beside flags']
  ]
  for (const [flags, wanted, reason] of rows) {
    const problems = await problemsOf(() => loadConfig(flags, BASE))
    t.equal(problems.length, wanted.length, reason)
    t.match(problems, wanted, reason)
    t.notMatch(problems.join(), /HIDDEN/)
  }
})

t.test('an insecure connection to MAAS is an error or a warning', async t => {
  const https = { ...BASE, MAAS_URL: 'https://maas.example:5443/MAAS' }
  const { ca, cert, key } = await makeCertificates()
  const { key: otherKey } = await makeCertificates()
  const locked = createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  const dir = t.testdir({ ca, cert, key, otherKey, locked, empty: '', broken: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' })
  const rows: Array<[flags: Flags, env: Environment, wanted: RegExp[], reason: string]> = [
    [{ caFile: [`${dir}/ca`], clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/key`] }, https, [], 'all that TLS may need'],
    [{ caFile: [`${dir}/empty`] }, https, [/^--ca-file: .*has no certificate in PEM/], 'an empty file'],
    [{ caFile: [`${dir}/broken`] }, https, [/^--ca-file: .*certificate 1 cannot be read/], 'one that is none'],
    [{ caFile: [`${dir}/none`] }, https, [/^--ca-file: .*no such file/], 'no file'],
    [{ clientCertFile: [`${dir}/cert`] }, https, [/go together; give both/], 'half a pair'],
    [{ clientKeyFile: [`${dir}/key`] }, https, [/go together; give both/], 'the other half'],
    [{ clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/ca`] }, https, [/^--client-key-file: .*has no private key/], 'a certificate for a key'],
    [{ clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/otherKey`] }, https, [/^--client-key-file: is not the key of the first certificate/], 'the key of another'],
    [{ clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/locked`] }, https, [/^--client-key-file: .*or needs a passphrase/], 'a key that cannot be used'],
    [{ caFile: [`${dir}/ca`] }, BASE, [/starts with http, so the settings for TLS have no effect/], 'a CA without TLS'],
    [{ clientCertFile: [`${dir}/cert`], clientKeyFile: [`${dir}/key`] }, BASE, [/TLS have no effect/], 'our own without TLS'],
    [{ insecureSkipTlsVerify: ['true'] }, BASE, [/TLS have no effect/], 'no verification without TLS']
  ]
  for (const [flags, env, wanted, reason] of rows) {
    const problems = await problemsOf(() => loadConfig(flags, env))
    t.equal(problems.length, wanted.length, reason)
    t.match(problems, wanted, reason)
  }
  t.match((await loadConfig({}, BASE)).warnings, [/^MAAS_URL: http:\/\/maas:5240\/MAAS is neither https nor this machine/], 'in the clear')
  t.match((await loadConfig({ insecureSkipTlsVerify: ['true'] }, https)).warnings, [/^--insecure-skip-tls-verify: /], 'unverified')
  for (const host of ['localhost', '127.0.0.1:5240', '[::1]:5240']) t.notMatch((await loadConfig({}, { ...BASE, MAAS_URL: `http://${host}/MAAS` })).warnings.join(), /in the clear/, host)
})

t.test('.env in the working directory is found by itself', async t => {
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(t.testdir({ '.env': 'MAAS_URL=http://found/MAAS\nMAAS_API_KEY="c:t:s"\nMAAS_PROXY_LISTN=1' }))
  t.strictSame(await problemsOf(() => loadConfig({}, {})), ['MAAS_PROXY_LISTN (.env): no such variable; did you mean MAAS_PROXY_LISTEN?'])
  process.chdir(t.testdir({ '.env': {} }))
  t.strictSame(await problemsOf(() => loadConfig({}, BASE)), ['.env: ".env": it is a directory'])
})

t.test('an unknown variable is an error with the nearest name', async t => {
  const rows: Array<[name: string, wanted: string, reason: string]> = [
    ['MAAS_PROXY_API_KEY', '; did you mean MAAS_API_KEY?', 'the key'],
    ['MAAS_PROXY_API_KEY_FILE', '; did you mean MAAS_API_KEY_FILE?', 'its file'],
    ['MAAS_PROXY_URL', '; did you mean MAAS_URL?', 'where MAAS is'],
    ['MAAS_PROXY_LISTENS', '; did you mean MAAS_PROXY_LISTEN?', 'a slip of the pen'],
    ['MAAS_PROXY_QUOTA', '', 'something else']
  ]
  for (const [name, wanted, reason] of rows) t.strictSame(await problemsOf(() => loadConfig({}, { ...BASE, [name]: 'HIDDEN' })), [`${name}: no such variable${wanted}`], reason)
})

t.test('an address takes one listener', async t => {
  const rows: Array<[flags: Flags, wanted: RegExp[], reason: string]> = [
    [{ listen: [':5399', '127.0.0.1:5399'] }, [/^--listen: http:\/\/127\.0\.0\.1:5399 is given twice/], 'the same in two spellings'],
    [{ listen: ['unix:/run/a', 'unix:/run/../run/a', 'unix:/run/a'] }, [/^--listen: unix:\/run\/a is given twice/], 'a unix socket, told of once'],
    [{ listen: [':5399'], adminListen: [':5399'] }, [/5399 is given twice/], 'that of the status pages'],
    [{ listen: [':0', ':0'] }, [], 'free ports are not the same'],
    [{ listen: [':5399', '[::1]:5399'] }, [], 'nor are two addresses with one port']
  ]
  for (const [flags, wanted, reason] of rows) {
    const problems = await problemsOf(() => loadConfig(flags, BASE))
    t.equal(problems.length, wanted.length, reason)
    t.match(problems, wanted, reason)
  }
})

t.test('a file of settings with the key in it is for its owner alone', async t => {
  const dir = t.testdir({ '.env': 'MAAS_API_KEY=c:t:s', 'proxy.yaml': 'maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nlisteners: [{}]', 'other.env': 'MAAS_PROXY_LOG_LEVEL=warn' })
  const open = (mode: number) => { for (const name of ['.env', 'proxy.yaml', 'other.env']) chmodSync(`${dir}/${name}`, mode) }
  const warningsOf = async (flags: Flags, env: Environment) => (await loadConfig(flags, env)).warnings.filter(warning => /every user/.test(warning))
  const url = { MAAS_URL: 'http://localhost:5240/MAAS' }
  for (const [mode, isOpen] of [[0o644, true], [0o640, false], [0o600, false]] as const) {
    open(mode)
    const [ofEnv, ofConfig] = [await warningsOf({ envFile: [`${dir}/.env`] }, url), await warningsOf({ config: [`${dir}/proxy.yaml`] }, {})]
    t.strictSame([ofEnv.length, ofConfig.length], isOpen ? [1, 1] : [0, 0], mode.toString(8))
    if (isOpen) t.match([ofEnv, ofConfig], [[/^MAAS_API_KEY \(.*\.env\): every user of this machine may read .*chmod 600 it/], [/api-key: every user of this machine may read .*proxy\.yaml; chmod 600 it/]])
    t.strictSame(await warningsOf({ envFile: [`${dir}/other.env`] }, { ...url, MAAS_API_KEY: 'c:t:s' }), [], 'one without the key may be open')
  }
})

t.test('a limit of requests to MAAS is a whole number, of at most a quarter of the connections', async t => {
  const rows: Array<[text: string, limit: number | null, reason: string]> = [
    ['1', 1, 'one at a time'],
    ['64', 64, 'the most: one client could not use more'],
    ['65', null, 'more'],
    ['0', null, 'none would ever be sent'],
    ['-1', null, 'no number of requests'],
    ['1.5', null, 'half a request'],
    ['1e1', null, 'a number in another notation'],
    ['none', null, 'a word: whoever wants no limit leaves the setting out']
  ]
  for (const [text, limit, reason] of rows) {
    if (limit !== null) t.equal((await loadConfig({ maxMaasRequests: [text] }, BASE)).maxMaasRequests, limit, reason)
    else t.strictSame(await problemsOf(() => loadConfig({ maxMaasRequests: [text] }, BASE)), [`--max-maas-requests: "${text}" is not a whole number from 1 to 64`], reason)
  }
  t.equal((await loadConfig({}, BASE)).maxMaasRequests, undefined, 'by default there is no limit')
})

t.test('all problems are reported at once, by the names that the user wrote', async t => {
  const problems = await problemsOf(() => loadConfig({ listen: ['0.0.0.0'], connectTimeoutMs: ['soon'] }, {
    MAAS_URL: 'http://u:HIDDEN@maas/MAAS',
    MAAS_API_KEY: 'c:HIDDEN',
    MAAS_PROXY_LOG_LEVEL: 'loud',
    MAAS_PROXY_LISTEN_: '1',
    MAAS_PROXY_ENV_FILE: '/nonexistent/.env'
  }))
  t.match(problems, [
    /^MAAS_PROXY_ENV_FILE: "\/nonexistent\/.env": there is no such file$/,
    /^MAAS_PROXY_LISTEN_: no such variable; did you mean MAAS_PROXY_LISTEN\?$/,
    /^MAAS_URL: has a user name or password/,
    /^--connect-timeout: "soon" is not a time/,
    /^MAAS_PROXY_LOG_LEVEL: "loud" is not one of trace,/,
    /^--listen: "0.0.0.0" is not an address to listen on/,
    /^MAAS_API_KEY: not an API key/
  ])
  t.equal(problems.length, 7)
  t.notMatch(problems.join(), /HIDDEN/, 'no secret is repeated')
  t.match(await problemsOf(() => loadConfig({}, { ...BASE, NODE_TLS_REJECT_UNAUTHORIZED: '0' })), [/^NODE_TLS_REJECT_UNAUTHORIZED: is 0/], 'what would give the key away')
  for (const value of ['', '1']) t.strictSame(await problemsOf(() => loadConfig({}, { ...BASE, NODE_TLS_REJECT_UNAUTHORIZED: value })), [], `and what does not: ${JSON.stringify(value)}`)
  t.match(await problemsOf(() => loadConfig({}, {})), [/^MAAS_URL: not set/, /^MAAS_API_KEY: not set/], 'what is required')
})

t.test('the key comes from exactly one source', async t => {
  const dir = t.testdir({ key: '\ufefff:t:s\n', broken: 'HIDDEN', env: 'MAAS_API_KEY_FILE=/nonexistent', keyEnv: 'MAAS_API_KEY=e:t:s', lent: { 'maas-api-key': 'l:t:s' } })
  chmodSync(`${dir}/key`, 0o600)
  const url = { MAAS_URL: BASE.MAAS_URL }
  t.equal((await loadConfig({ apiKeyFile: [`${dir}/key`] }, url)).keys[0]?.apiKey.consumerKey, 'f', 'a file')
  t.equal((await loadConfig({ apiKeyFile: [`${dir}/key`] }, BASE)).keys[0]?.apiKey.consumerKey, 'f', 'a flag beats the environment')
  t.equal((await loadConfig({}, { ...BASE, MAAS_PROXY_ENV_FILE: `${dir}/env` })).keys[0]?.apiKey.consumerKey, 'c', 'the environment beats the .env file')
  t.strictSame(await problemsOf(() => loadConfig({}, { ...BASE, MAAS_API_KEY_FILE: `${dir}/key` })), ['MAAS_API_KEY and MAAS_API_KEY_FILE: both are set; keep one'])
  t.match(await problemsOf(() => loadConfig({ apiKeyFile: [`${dir}/none`] }, url)), [/^--api-key-file: .*no such file/])
  const lent = { ...url, CREDENTIALS_DIRECTORY: `${dir}/lent` }
  t.equal((await loadConfig({}, lent)).keys[0]?.apiKey.consumerKey, 'l', 'what systemd lends')
  t.equal((await loadConfig({ envFile: [`${dir}/keyEnv`] }, lent)).keys[0]?.apiKey.consumerKey, 'e', 'gives way to the .env file')
  t.match(await problemsOf(() => loadConfig({}, { ...url, CREDENTIALS_DIRECTORY: dir })), [/^MAAS_API_KEY: not set/], 'a directory of other credentials')
  const broken = await problemsOf(() => loadConfig({ apiKeyFile: [`${dir}/broken`] }, url))
  t.match(broken, [/^--api-key-file: not an API key/])
  t.notMatch(broken.join(), /HIDDEN/)
})

t.test('risky settings are warnings', async t => {
  const dir = t.testdir({ key: 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F' })
  chmodSync(`${dir}/key`, 0o644)
  t.match((await loadConfig({ apiKeyFile: [`${dir}/key`] }, { MAAS_URL: 'http://localhost:5240/MAAS' })).warnings, [/every user of this machine may read/])
  chmodSync(`${dir}/key`, 0o600)
  t.strictSame((await loadConfig({ apiKeyFile: [`${dir}/key`] }, { MAAS_URL: 'http://localhost:5240/MAAS' })).warnings, [])
  t.match((await loadConfig({}, { ...BASE, MAAS_URL: 'http://localhost:5240/MAAS' })).warnings, [/does not have the form/])
})

t.test('the command line', async t => {
  const line = parseCommandLine(['--listen', ':1', 'demo', '--log-level=debug', 'word'])
  t.match(line, { flags: { listen: [':1'], logLevel: ['debug'] }, words: ['demo', 'word'], help: false, version: false }, 'flags before and after the words')
  t.strictSame(parseCommandLine(['--listen', ':1', '--listen=:2']).flags.listen, [':1', ':2'], 'what may be given twice')
  t.strictSame(parseCommandLine(['--read-only', 'demo']), { flags: { readOnly: ['true'] }, words: ['demo'], operands: null, json: false, verbose: false, standInOnly: false, maasVersion: null, expires: null, client: null, recording: null, exact: null, byClient: null, asFlags: null, help: false, version: false }, 'a switch takes no value')
  t.strictSame(parseCommandLine(['--read-only=false']).flags.readOnly, ['false'], 'unless behind an equals sign')
  t.strictSame(parseCommandLine(['--api-key-file=-key']).flags.apiKeyFile, ['-key'], 'where a value may begin as a flag does')
  for (const flag of ['--help', '-h']) t.equal(parseCommandLine([flag]).help, true, flag)
  t.equal(parseCommandLine(['--version']).version, true)
  t.strictSame(parseCommandLine(['--', '--listen']).operands, ['--listen'], 'behind -- nothing is a flag of ours')
  const refused: Array<[argv: string[], wanted: string[], reason: string]> = [
    [['--lisen', ':1'], ['--lisen: no such flag; did you mean --listen?'], 'a typing error'],
    [['--api-key', 'c:t:HIDDEN'], ['--api-key: no such flag; set MAAS_API_KEY, or write --api-key-file FILE, because ps shows flags'], 'the key is no flag'],
    [['--api-key=c:t:HIDDEN'], ['--api-key: no such flag; set MAAS_API_KEY, or write --api-key-file FILE, because ps shows flags'], 'in either spelling'],
    [['--listen'], ['--listen: needs a value: --listen ADDRESS'], 'no value'],
    [['--listen', '--log-level', 'debug'], ['--listen: needs a value: --listen ADDRESS'], 'a flag is no value'],
    [['--log-level', 'info', '--log-level', 'warn'], ['--log-level: given twice'], 'twice'],
    [['--helpp', '-y'], ['--helpp: no such flag; did you mean --help?', '-y: no such flag'], 'all of them, with what is meant only where that can be seen']
  ]
  for (const [argv, wanted, reason] of refused) {
    t.strictSame(await problemsOf(() => parseCommandLine(argv)), wanted, reason)
  }
})

t.test('variables are named after their flags', async t => {
  for (const { flag, env } of Object.values(SETTINGS)) {
    if (flag === null) continue
    const name = flag.slice(2).toUpperCase().replaceAll('-', '_')
    t.ok(env === `MAAS_PROXY_${name}` || env === `MAAS_${name.replace(/^MAAS_/, '')}`, `${flag} is ${env}`)
  }
})

t.test('a table of anonymous operations is checked row by row', async t => {
  const row = { method: 'GET', path: '/MAAS/api/2.0/x/', op: null, kind: 'same', reason: 'why' }
  const rows: Array<[content: string, wanted: RegExp]> = [
    ['{', /not JSON/],
    ['{}', /not a list/],
    [JSON.stringify([1]), /row 1 is not an object/],
    [JSON.stringify([null]), /row 1 is not an object/],
    [JSON.stringify([row, { ...row, pth: 1 }]), /row 2 has an unknown key "pth"/],
    [JSON.stringify([{ ...row, method: 'get' }]), /no method in upper case/],
    [JSON.stringify([{ ...row, method: 'Get' }]), /no method in upper case/],
    [JSON.stringify([{ ...row, method: 1 }]), /no method in upper case/],
    [JSON.stringify([{ ...row, path: '/MAAS/metadata/' }]), /no path below/],
    [JSON.stringify([{ ...row, path: '/x/MAAS/api/2.0/' }]), /no path below/],
    [JSON.stringify([{ ...row, path: 1 }]), /no path below/],
    [JSON.stringify([{ ...row, op: '' }]), /neither a name nor null/],
    [JSON.stringify([{ ...row, op: 1 }]), /neither a name nor null/],
    [JSON.stringify([{ ...row, kind: 'any' }]), /kind that is not one of same, anonymous-only, dual/],
    [JSON.stringify([{ ...row, reason: ' ' }]), /no reason/],
    [JSON.stringify([{ ...row, reason: 1 }]), /no reason/],
    [JSON.stringify([row, row]), /row 2 names an operation that an earlier row has/]
  ]
  for (const [content, wanted] of rows) t.throws(() => readAnonymousOperations(`${t.testdir({ 'table.json': content })}/table.json`), wanted, content)
  t.type(readAnonymousOperations(SHIPPED_ANONYMOUS_OPERATIONS), AnonymousOperations, 'the shipped one passes')
})
