import t, { type Test } from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { loadConfig } from '../../src/settings/load.ts'
import { configSchema } from '../../src/settings/schema.ts'
import type { Environment } from '../../src/environment.ts'
import { parseCommandLine } from '../../src/cli/flags.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { runHere } from '../helper/process.ts'

const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const MAAS = { MAAS_URL: 'https://maas:5443/MAAS' }
const shipped = (name: string) => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')

function files (t: Test, texts: Record<string, string> = {}): string {
  const dir = t.testdir({ 'api-key': `${KEY}\n`, ...texts })
  chmodSync(join(dir, 'api-key'), 0o600)
  return dir
}

const config = async (argv: readonly string[], env: Environment = {}) => await runHere(['config', ...argv], env)

/** What the proxy would do, without where it was said. */
async function meaning (argv: readonly string[], env: Environment) {
  const { listeners, keys, warnings: _warnings, notices: _notices, source: _source, ...program } =
    await loadConfig(parseCommandLine(argv).flags, env)
  return JSON.parse(JSON.stringify({
    ...program,
    keys: keys.map(({ file }) => file),
    listeners: listeners.map(({ policy, clients = [], ...listener }) => ({
      ...listener,
      rules: policy.rules.map(({ rule }) => rule.text),
      clients: clients.map(client => ({ ...client, policy: client.policy?.rules.map(({ rule }) => rule.text) }))
    }))
  }))
}

t.test('config print writes an equivalent configuration file', async t => {
  const dir = files(t, { 'my.env': 'MAAS_PROXY_CONNECT_TIMEOUT=3s\n', tokens: 'alice 0123456789abcdef\n' })
  chmodSync(join(dir, 'tokens'), 0o600)
  writeFileSync(join(dir, 'several.yaml'), shipped('example.yaml').replaceAll('/etc/maas-auth-proxy', dir))
  writeFileSync(join(dir, 'clients.yaml'), [
    `{ api-key-file: ${join(dir, 'api-key')}, maas-url: http://localhost:5240/MAAS, client-token-file: ${join(dir, 'tokens')},`,
    `listeners: [{ listen: 1 }, { listen: 2, clients: [{ name: bob, token-sha256: ${'1'.repeat(64)} }] }],`,
    "clients: [{ name: alice, read-only: yes, deny: GET tags/, allow: [GET **, 'GET machines/*?op=details'], expires: 2999-12-31 }] }"
  ].join('\n'))
  const keyFile = ['--api-key-file', join(dir, 'api-key')]
  const rows: Array<[argv: string[], env: Environment, reason: string]> = [
    [keyFile, MAAS, 'little'],
    [['--listen', '5', '--listen', 'unix:/x', '--socket-mode', '0660', '--read-only', '--log-level', 'debug', '--client-token-file', join(dir, 'tokens')], { ...MAAS, MAAS_API_KEY_FILE: join(dir, 'api-key') }, 'flags and variables'],
    [[...keyFile, '--deny', 'DELETE **', '--env-file', join(dir, 'my.env')], { ...MAAS, MAAS_PROXY_ALLOW: 'GET **; POST machines/*?op=deploy', MAAS_PROXY_INSECURE_SKIP_TLS_VERIFY: 'yes' }, 'rules and switches'],
    [keyFile, { ...MAAS, MAAS_API_KEY: 'c:t:HIDDEN' }, 'a key that is not used, since a flag names another'],
    [['--config', join(dir, 'several.yaml')], {}, 'a file'],
    [['--config', join(dir, 'clients.yaml')], {}, 'clients']
  ]
  for (const [argv, env, reason] of rows) {
    const { code, stdout } = await config(['print', ...argv], env)
    t.equal(code, 0, reason)
    t.notMatch(stdout, /HIDDEN|a1234567890123456B/, 'no key')
    const path = join(dir, 'printed.yaml')
    writeFileSync(path, stdout)
    t.ok(validate(parse(stdout)), `${reason}: ${JSON.stringify(validate.errors)}`)
    t.strictSame(await meaning(['--config', path], {}), await meaning(argv, env), reason)
    t.strictSame(parse((await config(['print', '--json', ...argv], env)).stdout), parse(stdout), 'and as JSON')
  }
})

t.test('config print names the source of each value', async t => {
  const dir = files(t, { 'my.env': 'MAAS_PROXY_CONNECT_TIMEOUT=3s\n' })
  const { stdout } = await config(['print', '--read-only', '--deny', 'DELETE **', '--env-file', `${dir}/my.env`], { ...MAAS, MAAS_API_KEY: KEY })
  for (const line of [
    '# MAAS is at https://maas:5443/MAAS; the API key is from MAAS_API_KEY.',
    'maas-url: https://maas:5443/MAAS # MAAS_URL',
    `connect-timeout: 3s # MAAS_PROXY_CONNECT_TIMEOUT (${dir}/my.env)`,
    'drain-timeout: 30s # default',
    '  - api-key: "[API key]" # MAAS_API_KEY; write the key into a file of its own, and name that with api-key-file',
    '    read-only: true # --read-only',
    '    deny: [ DELETE ** ] # --deny'
  ]) t.ok(stdout.split('\n').some(printed => printed.replace(/ +#/, ' #') === line), line)
  t.notMatch(stdout, /anonymous-operations|socket-group/, 'what has no value of the user, and none of its own, is left out')
  const ending = await config(['print'], { ...MAAS, MAAS_API_KEY: KEY, MAAS_PROXY_ALLOW: 'GET machines/**;\n' })
  t.match(ending.stdout, /\n {4}allow: \[ GET machines\/\*\* \] +# MAAS_PROXY_ALLOW\n/, 'a separator at the end makes no rule')
  writeFileSync(join(dir, 'weaker.env'), `MAAS_API_KEY_FILE=${dir}/api-key`)
  const weaker = await config(['print', '--env-file', `${dir}/weaker.env`], { ...MAAS, MAAS_API_KEY: KEY })
  t.notMatch(weaker.stdout, /api-key-file:/, 'of two keys the stronger')
  const rule = 'GET machines/a-name-that-is-longer-than-the-others/'
  const colored = await config(['print', '--deny', rule], { ...MAAS, MAAS_API_KEY: KEY, FORCE_COLOR: '1' })
  const lines = colored.stdout.replaceAll('\u001b', '^').split('\n')
  t.equal(lines[0], '^[2m# The settings in effect, each with its source.^[22m', 'comments are dim')
  t.ok(lines.includes(`    deny: [ ${rule} ] ^[2m# --deny^[22m`), 'a long value stands alone')
  t.equal(new Set(lines.filter(line => line.includes('^[2m# default')).map(line => line.indexOf('^'))).size, 1, 'the others are aligned')
  t.match(await config(['print'], MAAS), { code: 2, stdout: '', stderr: /MAAS_API_KEY: not set/ }, 'what does not start is not printed')
  t.match(await config([]), { code: 2, stderr: /config: write config print, or config schema/ })
})

t.test('a profile of the maas CLI stands for what it brings', async t => {
  const HOME = t.testdir({})
  await makeStore(HOME, OWN, { admin: login() })
  const found = await config(['print'], { HOME })
  t.match(found.stdout, /# MAAS is at http:\/\/maas\.example:5240\/MAAS; the API key is from the profile "admin"\.\n# using the only profile of the maas CLI/)
  t.notMatch(found.stdout, /^ *(?:profile|maas-url|api-key):/m)
  const asked = await config(['print', '--profile', 'admin'], { HOME, MAAS_API_KEY: 'c:t:HIDDEN', MAAS_URL: 'http://other/MAAS' })
  t.match(asked.stdout, /^profile: admin +# --profile$/m)
  t.notMatch(asked.stdout, /other|api-key/, 'what it is stronger than is left out')
  const file = await config(['print', '--profile', 'admin'], { HOME, MAAS_API_KEY_FILE: '/other' })
  t.notMatch(file.stdout, /other|api-key/, 'a file too')
})

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configSchema())

t.test('the shipped schema is that of the program', async t => {
  const { stdout } = await config(['schema'])
  t.equal(shipped('config.schema.json'), stdout, 'or make it anew: npm start -- config schema > config/config.schema.json')
})

t.test('the schema takes what the program takes', async t => {
  const good = { 'maas-url': 'http://x/MAAS', listeners: [{}] }
  const rows: Array<[content: unknown, valid: boolean, reason: string]> = [
    [good, true, 'little'],
    [{ ...good, deny: ['DELETE **'], listeners: [{ listen: 5241 }, { listen: ['unix:/x', 5242], 'socket-mode': 660, deny: 'GET **' }] }, true, 'one or several, for all or for one'],
    [{}, false, 'no listeners'],
    [{ listeners: [] }, false, 'none in the list'],
    [{ ...good, lisen: 1 }, false, 'a setting that is none'],
    [{ listeners: [{ 'log-level': 'info' }] }, false, 'a setting of the whole program in a listener'],
    [{ ...good, config: 'x' }, false, 'what leads to a file'],
    [{ ...good, 'log-level': 'loud' }, false, 'a word that is none'],
    [{ ...good, 'policy-mode': 'warn', 'read-only': true }, true, 'words and switches'],
    [{ ...good, 'read-only': 'perhaps' }, false, 'a switch that is none'],
    [{ ...good, allow: [] }, false, 'an empty list'],
    [{ ...good, 'api-key-file': ['a', 'b'] }, false, 'a list for one']
  ]
  for (const [content, valid, reason] of rows) t.equal(validate(content), valid, reason)
})

t.test('the example does what it says', async t => {
  const dir = files(t)
  t.ok(validate(parse(shipped('example.yaml'))), JSON.stringify(validate.errors))
  const path = join(dir, 'example.yaml')
  writeFileSync(path, shipped('example.yaml').replaceAll('/etc/maas-auth-proxy', dir))
  const { listeners, warnings } = await loadConfig({ config: [path] }, {})
  t.strictSame(warnings, [])
  t.match(listeners, [{ address: { path: '/run/maas-auth-proxy/admin.sock' }, socketMode: 0o600 }, { address: { host: '127.0.0.1', port: 5241 } }, { address: { host: '127.0.0.1', port: 5242 } }])
  const allowed = (method: string, path: string, op: string | null) => listeners.map(({ policy }) => policy.decide({ method, path: `/MAAS/api/2.0/${path}`, op, fromPath: false }).allowed)
  t.strictSame(allowed('GET', 'machines/', null), [true, true, true])
  t.strictSame(allowed('POST', 'machines/abc/', 'deploy'), [true, false, true])
  t.strictSame(allowed('DELETE', 'machines/abc/', null), [true, false, false])
  t.strictSame(allowed('GET', 'account/', 'list_authorisation_tokens'), [false, false, false])
})
