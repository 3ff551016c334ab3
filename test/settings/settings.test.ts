import t from 'tap'
import { chmodSync } from 'node:fs'
import { AnonymousOperations } from '../../src/maas/access.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from '../../src/settings/anonymous-operations.ts'
import { parseCommandLine } from '../../src/settings/flags.ts'
import { type Config, loadConfig, SettingsError } from '../../src/settings/load.ts'
import type { Environment, Flags } from '../../src/settings/sources.ts'
import { SETTINGS } from '../../src/settings/table.ts'
import { formatListenAddress, parseDuration, parseListenAddress, quote, readSettingFile } from '../../src/settings/values.ts'

const BASE = { MAAS_URL: 'http://maas:5240/MAAS', MAAS_API_KEY: 'c:t:s' }

function problemsOf (act: () => unknown): readonly string[] {
  try {
    act()
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

t.test('a listen address is on loopback', async t => {
  const rows: Array<[text: string, host: string, port: number, reason: string]> = [
    ['127.0.0.1:5241', '127.0.0.1', 5241, 'host and port'],
    [':5242', '127.0.0.1', 5242, 'no host'],
    ['5242', '127.0.0.1', 5242, 'the port alone'],
    ['0', '127.0.0.1', 0, 'a free one'],
    ['localhost:1', '127.0.0.1', 1, 'by name, without asking a name server'],
    ['127.8.9.1:1', '127.8.9.1', 1, 'all of 127/8 is loopback'],
    ['[::1]:5241', '::1', 5241, 'IPv6']
  ]
  for (const [text, host, port, reason] of rows) t.strictSame(parseListenAddress(text), { host, port }, reason)
  t.equal(formatListenAddress({ host: '::1', port: 1 }), 'http://[::1]:1')
  t.equal(formatListenAddress({ host: '127.0.0.1', port: 1 }), 'http://127.0.0.1:1')
  const refused: Array<[text: string, wanted: RegExp]> = [
    ['0.0.0.0:5241', /not a loopback/],
    ['[::]:5241', /not a loopback/],
    ['192.168.1.1:80', /not a loopback/],
    ['maas.example:80', /not a loopback/],
    ['127.0.0.1.evil:80', /not a loopback/],
    ['127.0.0.1', /write host:port/],
    ['::1:80', /write host:port/],
    ['', /write host:port/],
    ['x:', /write host:port/],
    ['65536', /not between 0 and 65535/],
    ['-1', /write host:port/]
  ]
  for (const [text, wanted] of refused) t.throws(() => parseListenAddress(text), wanted, text)
})

t.test('a time has a unit and is not absurd', async t => {
  for (const [text, wanted] of [['500ms', 500], ['10s', 10_000], ['15m', 900_000], ['24h', 86_400_000]] as const) t.equal(parseDuration(text), wanted, text)
  for (const text of ['10', '1.5s', '-1s', 's', '10 s', '1d', '']) t.throws(() => parseDuration(text), /whole number and a unit/, text)
  for (const text of ['0s', '25h']) t.throws(() => parseDuration(text), /between/, text)
})

t.test('what a message quotes is one short line', async t => {
  t.equal(quote('a\nb'), '"a\\nb"')
  t.equal(quote('x'.repeat(100)).length, 82)
})

t.test('a file that a setting names', async t => {
  const dir = t.testdir({ file: 'text' })
  t.equal(readSettingFile(`${dir}/file`), 'text')
  t.throws(() => readSettingFile(`${dir}/none`), /no such file/)
  t.throws(() => readSettingFile(dir), /is a directory/)
  t.throws(() => readSettingFile(`${dir}/file/x`), /cannot be read \(ENOTDIR\)/)
})

t.test('flag beats environment beats .env beats default', async t => {
  const dir = t.testdir({ 'my.env': 'MAAS_PROXY_LISTEN=:3\nMAAS_PROXY_CONNECT_TIMEOUT=3s\nMAAS_URL=http://file/MAAS\n' })
  const env = { ...BASE, MAAS_PROXY_ENV_FILE: `${dir}/my.env`, MAAS_PROXY_LISTEN: ':2' }
  const rows: Array<[flags: Flags, env: Environment, wanted: Partial<Record<keyof Config, unknown>>, reason: string]> = [
    [{ listen: ':1' }, env, { listen: { host: '127.0.0.1', port: 1 }, connectTimeoutMs: 3000 }, 'the flag wins'],
    [{}, env, { listen: { host: '127.0.0.1', port: 2 }, maasUrl: { origin: 'http://maas:5240', href: 'http://maas:5240/MAAS' } }, 'the environment wins over the file'],
    [{}, { ...env, MAAS_PROXY_LISTEN: '' }, { listen: { host: '127.0.0.1', port: 3 } }, 'a variable that is empty is not set'],
    [{}, BASE, { listen: { host: '127.0.0.1', port: 5241 }, connectTimeoutMs: 10_000, responseTimeoutMs: 900_000, drainTimeoutMs: 30_000, dualOperations: 'signed', logLevel: 'info', logFormat: 'auto' }, 'defaults']
  ]
  for (const [flags, environment, wanted, reason] of rows) t.match(loadConfig(flags, environment), wanted, reason)
  t.type(loadConfig({}, BASE).anonymousOperations, AnonymousOperations)
  t.equal(process.env['MAAS_PROXY_CONNECT_TIMEOUT'], undefined, 'nothing of the file gets into the environment')
})

t.test('.env in the working directory is found by itself', async t => {
  const before = process.cwd()
  t.after(() => process.chdir(before))
  process.chdir(t.testdir({ '.env': 'MAAS_URL=http://found/MAAS\nMAAS_API_KEY="c:t:s"\nMAAS_PROXY_LISTN=1' }))
  t.strictSame(problemsOf(() => loadConfig({}, {})), ['MAAS_PROXY_LISTN (.env): no such variable; did you mean MAAS_PROXY_LISTEN?'])
  process.chdir(t.testdir({ '.env': {} }))
  t.strictSame(problemsOf(() => loadConfig({}, BASE)), ['.env: ".env": it is a directory'])
})

t.test('every problem is told at once, with the name that was used', async t => {
  const problems = problemsOf(() => loadConfig({ listen: '0.0.0.0:1', connectTimeoutMs: 'soon' }, {
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
    /^MAAS_API_KEY: not an API key/,
    /^--listen: "0.0.0.0" is not a loopback address/,
    /^--connect-timeout: "soon" is not a time/,
    /^MAAS_PROXY_LOG_LEVEL: "loud" is not one of trace,/
  ])
  t.equal(problems.length, 7)
  t.notMatch(problems.join(), /HIDDEN/, 'no secret is repeated')
  t.match(problemsOf(() => loadConfig({}, {})), [/^MAAS_URL: not set/, /^MAAS_API_KEY: not set/], 'what is required')
})

t.test('the key comes from one place', async t => {
  const dir = t.testdir({ key: '\ufefff:t:s\n', broken: 'HIDDEN', env: 'MAAS_API_KEY_FILE=/nonexistent' })
  chmodSync(`${dir}/key`, 0o600)
  const url = { MAAS_URL: BASE.MAAS_URL }
  t.equal(loadConfig({ apiKeyFile: `${dir}/key` }, url).apiKey.consumerKey, 'f', 'a file')
  t.equal(loadConfig({ apiKeyFile: `${dir}/key` }, BASE).apiKey.consumerKey, 'f', 'a flag beats the environment')
  t.equal(loadConfig({}, { ...BASE, MAAS_PROXY_ENV_FILE: `${dir}/env` }).apiKey.consumerKey, 'c', 'the environment beats the .env file')
  t.strictSame(problemsOf(() => loadConfig({}, { ...BASE, MAAS_API_KEY_FILE: `${dir}/key` })), ['MAAS_API_KEY and MAAS_API_KEY_FILE: both are set; keep one'])
  t.match(problemsOf(() => loadConfig({ apiKeyFile: `${dir}/none` }, url)), [/^--api-key-file: .*no such file/])
  const broken = problemsOf(() => loadConfig({ apiKeyFile: `${dir}/broken` }, url))
  t.match(broken, [/^--api-key-file: not an API key/])
  t.notMatch(broken.join(), /HIDDEN/)
})

t.test('what works but should not stay is a warning', async t => {
  const dir = t.testdir({ key: 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F' })
  chmodSync(`${dir}/key`, 0o644)
  t.match(loadConfig({ apiKeyFile: `${dir}/key` }, { MAAS_URL: BASE.MAAS_URL }).warnings, [/every user of this machine may read/])
  chmodSync(`${dir}/key`, 0o600)
  t.strictSame(loadConfig({ apiKeyFile: `${dir}/key` }, { MAAS_URL: BASE.MAAS_URL }).warnings, [])
  t.match(loadConfig({}, BASE).warnings, [/does not have the form/])
})

t.test('the command line', async t => {
  const line = parseCommandLine(['--listen', ':1', 'demo', '--log-level=debug', 'word'])
  t.match(line, { flags: { listen: ':1', logLevel: 'debug' }, words: ['demo', 'word'], help: false, version: false }, 'flags before and after the words')
  for (const flag of ['--help', '-h']) t.equal(parseCommandLine([flag]).help, true, flag)
  t.equal(parseCommandLine(['--version']).version, true)
  t.strictSame(parseCommandLine(['--', '--listen']).words, ['--listen'], 'behind -- all are words')
  const refused: Array<[argv: string[], wanted: string[], reason: string]> = [
    [['--lisen', ':1'], ['--lisen: no such flag; did you mean --listen?'], 'a typing error'],
    [['--api-key', 'c:t:HIDDEN'], ['--api-key: no such flag; did you mean --api-key-file?'], 'the key is no flag'],
    [['--api-key=c:t:HIDDEN'], ['--api-key: no such flag; did you mean --api-key-file?'], 'in either spelling'],
    [['--listen'], ['--listen: needs a value: --listen ADDRESS'], 'no value'],
    [['--listen', '--log-level', 'debug'], ['--listen: needs a value: --listen ADDRESS'], 'a flag is no value'],
    [['--listen', ':1', '--listen', ':2'], ['--listen: given twice'], 'twice'],
    [['--x', '-y'], ['--x: no such flag; did you mean --help?', '-y: no such flag; did you mean --help?'], 'all of them']
  ]
  for (const [argv, wanted, reason] of refused) t.strictSame(problemsOf(() => parseCommandLine(argv)), wanted, reason)
})

t.test('names of flags and variables follow the rule', async t => {
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
    [JSON.stringify([{ ...row, method: 1 }]), /no method in upper case/],
    [JSON.stringify([{ ...row, path: '/MAAS/metadata/' }]), /no path below/],
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
