import t from 'tap'
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type StandInKey, startStandIn } from '../src/demo/stand-in/index.ts'
import { parseApiKey } from '../src/maas/api-key.ts'
import { loadConfig } from '../src/settings/load.ts'
import type { SettingsError } from '../src/settings/settings-error.ts'
import type { Flags } from '../src/settings/setting-input.ts'
import type { Environment } from '../src/environment.ts'
import { login, makeStore, OWN, SECRET } from './helper/maascli-store.ts'
import { startProgram } from './helper/process.ts'
import { startTestProxy, testConfig } from './helper/proxy.ts'
import { rawUpstream } from './helper/sockets.ts'

const textOf = ({ consumer, token, secret }: StandInKey) => `${consumer}:${token}:${secret}\n`

async function whoami (address: string): Promise<string> {
  const answer = await fetch(`${address}/MAAS/api/2.0/users/?op=whoami`)
  return answer.status === 200 ? (await answer.json() as { username: string }).username : String(answer.status)
}

/** Whose key it is, as the front page says. */
async function ownerOf (address: string): Promise<string | undefined> {
  const page = await (await fetch(address, { headers: { Accept: 'text/html' } })).text()
  return /API key of<\/\w+>\s*<\w+>([^<]+)</.exec(page)?.[1]
}

t.test('a key file that changes is used for the requests to come; one that is broken changes nothing', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const file = join(t.testdir(), 'key')
  const put = (text: string) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  put(textOf(maas.admin))
  const proxy = await startTestProxy(t, loadConfig({ apiKeyFile: [file], listen: ['127.0.0.1:0'] }, { MAAS_URL: maas.url }))
  t.equal(await whoami(proxy.address), 'admin')

  put(textOf(maas.user))
  await proxy.logged(record => /has been replaced/.test(String(record['msg'])))
  t.equal(await whoami(proxy.address), 'user', 'seen without being told')
  t.equal(await ownerOf(proxy.address), 'user', 'the front page says whose key it is')

  const broken: Array<[text: string, reason: RegExp, why: string]> = [
    ['', /not an API key .*found nothing/, 'an empty file'],
    [textOf(maas.admin).slice(0, -5), /usual form.*is the file complete\?/, 'half of a key that is being written'],
    ['HIDDEN:HIDDEN', /2 of 3 parts/, 'something else']
  ]
  for (const [text, reason, why] of broken) {
    writeFileSync(file, text)
    await proxy.reload()
    const record = await proxy.logged(record => record['level'] === 50 && reason.test(String(record['reason'])))
    t.match(record, { msg: /the old one stays in use/, source: '--api-key-file', file }, why)
    t.equal(await whoami(proxy.address), 'user', why)
  }
  t.notMatch(JSON.stringify(proxy.log), /HIDDEN/)

  put(`${maas.admin.consumer}:${maas.admin.token}:${maas.user.secret}`)
  await proxy.reload()
  t.match(await proxy.logged(record => /does not take/.test(String(record['msg']))), { level: 40, remedy: /the token secret/ }, 'a key that MAAS does not take is told of at once')
  t.equal(await whoami(proxy.address), '401')
  t.equal(await ownerOf(proxy.address), 'not known yet', 'and whose it is nobody knows: not of the user before')
  put(textOf(maas.admin))
  await proxy.reload()
  t.equal(await whoami(proxy.address), 'admin', 'another secret alone is another key')
  await proxy.reload()
  t.ok(await proxy.logged(record => /same as before/.test(String(record['msg']))), 'asked for without need')
})

t.test('a file of client tokens that changes is used for the requests to come; one that is broken changes nothing', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const dir = t.testdir({ key: textOf(maas.admin) })
  chmodSync(join(dir, 'key'), 0o600)
  const file = join(dir, 'tokens')
  const put = (text: string, mode = 0o600) => {
    writeFileSync(`${file}.new`, text)
    chmodSync(`${file}.new`, mode)
    renameSync(`${file}.new`, file)
  }
  put('alice HIDDEN-one\nbob HIDDEN-two\n')
  const proxy = await startTestProxy(t, loadConfig({ apiKeyFile: [join(dir, 'key')], clientTokenFile: [file], listen: ['127.0.0.1:0', '127.0.0.1:0'] }, { MAAS_URL: maas.url }))
  const statuses = async (token: string) => await Promise.all(proxy.addresses.map(async address => (await fetch(`${address}/MAAS/api/2.0/users/?op=whoami`, { headers: { 'MAAS-Proxy-Token': token } })).status))
  t.strictSame([await statuses('HIDDEN-one'), await statuses('HIDDEN-two'), await statuses('HIDDEN-three')], [[200, 200], [200, 200], [401, 401]])

  put('alice HIDDEN-three\nbob HIDDEN-two\n')
  t.match(await proxy.logged(record => /settings have been replaced/.test(String(record['msg']))), { level: 30, changed: [file] }, 'seen without being told')
  t.strictSame([await statuses('HIDDEN-one'), await statuses('HIDDEN-two'), await statuses('HIDDEN-three')], [[401, 401], [200, 200], [200, 200]], 'one token has been revoked, one is new')

  const broken: Array<[text: string, mode: number, reason: RegExp, why: string]> = [
    ['', 0o600, /has no client/, 'an empty file'],
    ['alice HIDDEN-four\nbob', 0o600, /line 2 is not NAME TOKEN/, 'half of a file that is being written'],
    ['alice HIDDEN-four\n', 0o644, /every user of this machine may read it/, 'an open file']
  ]
  for (const [text, mode, reason, why] of broken) {
    put(text, mode)
    await proxy.reload()
    t.match(await proxy.logged(record => record['level'] === 50 && reason.test(String(record['reason']))), { msg: /the old ones stay in force/ }, why)
    t.strictSame([await statuses('HIDDEN-two'), await statuses('HIDDEN-four')], [[200, 200], [401, 401]], why)
  }
  const changes: Array<[text: string, clients: string[], why: string]> = [
    ['carol HIDDEN-three\nbob HIDDEN-two\n', ['carol', 'bob'], 'a name alone is a change'],
    ['carol HIDDEN-three\nbob HIDDEN-two\ndave HIDDEN-five\n', ['carol', 'bob', 'dave'], 'a client that is added is one'],
    ['carol HIDDEN-three\nbob HIDDEN-two\n', ['carol', 'bob'], 'and so is one that is taken away']
  ]
  for (const [text, clients, why] of changes) {
    const before = proxy.log.length
    put(text)
    await proxy.reload()
    t.ok(proxy.log.slice(before).some(record => /have been replaced/.test(String(record['msg']))), why)
    t.strictSame(await statuses('HIDDEN-five'), clients.includes('dave') ? [200, 200] : [401, 401])
  }
  await statuses('HIDDEN-three')
  t.match(await proxy.logged(record => record['msg'] === 'request' && record['client'] === 'carol'), { status: 200 }, 'the log has the new name')
  await proxy.reload()
  t.ok(await proxy.logged(record => /settings are the same as before/.test(String(record['msg']))), 'asked for without need')
  t.notMatch(JSON.stringify(proxy.log), /HIDDEN/)
})

t.test('the swapped link of a Kubernetes secret is a change', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const dir = t.testdir()
  // As kubelet writes it: key -> ..data/key, ..data -> ..1, and the second link is replaced by a rename.
  const write = (version: string, key: StandInKey) => {
    mkdirSync(join(dir, version))
    writeFileSync(join(dir, version, 'key'), textOf(key), { mode: 0o600 })
    symlinkSync(version, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
  }
  write('..1', maas.admin)
  symlinkSync('..data/key', join(dir, 'key'))
  const proxy = await startTestProxy(t, loadConfig({ apiKeyFile: [join(dir, 'key')], listen: ['127.0.0.1:0'] }, { MAAS_URL: maas.url }))
  t.equal(await whoami(proxy.address), 'admin')
  write('..2', maas.user)
  await proxy.logged(record => /has been replaced/.test(String(record['msg'])))
  t.equal(await whoami(proxy.address), 'user')
})

t.test('under load each request is wholly of the old key or wholly of the new', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const file = join(t.testdir(), 'key')
  writeFileSync(file, textOf(maas.admin), { mode: 0o600 })
  const proxy = await startTestProxy(t, loadConfig({ apiKeyFile: [file], listen: ['127.0.0.1:0'] }, { MAAS_URL: maas.url }))
  const seen = new Set<string>()
  const over = new AbortController()
  t.after(() => { over.abort() }) // whatever comes in between
  const client = async () => { while (!over.signal.aborted) seen.add(await whoami(proxy.address)) }
  const clients = Array.from({ length: 8 }, client)
  for (let turn = 0; turn < 20; turn++) {
    writeFileSync(file, textOf(turn % 2 === 0 ? maas.user : maas.admin))
    await proxy.reload()
    await whoami(proxy.address)
  }
  over.abort()
  await Promise.all(clients)
  t.strictSame([...seen].sort(), ['admin', 'user'], 'and none is refused')
})

t.test('of two reloads the one that reads last counts, however long the first takes', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const file = join(t.testdir(), 'key')
  writeFileSync(file, textOf(maas.user), { mode: 0o600 })
  const config = await loadConfig({ apiKeyFile: [file], listen: ['127.0.0.1:0'] }, { MAAS_URL: maas.url })
  const held = [maas.admin, maas.user] // by the file at the first and the second read
  const read = async () => {
    const text = textOf(held.shift() as StandInKey)
    // As the store of the maas CLI, which is read in many steps.
    for (let turn = 0; turn < 20 * held.length; turn++) await new Promise(resolve => setImmediate(resolve))
    return parseApiKey(text)
  }
  for (const source of config.keys) Object.assign(source, { read })
  const proxy = await startTestProxy(t, config)
  await Promise.all([proxy.reload(), proxy.reload()])
  t.equal(await whoami(proxy.address), 'user')
  t.equal(proxy.log.filter(record => /has been replaced/.test(String(record['msg']))).length, 2, 'both were read')
})

t.test('a key of an unusual form may be replaced by another of that kind', async t => {
  const file = join(t.testdir(), 'key')
  writeFileSync(file, 'c:t:s', { mode: 0o600 })
  const environment = { MAAS_URL: 'http://127.0.0.1:1/MAAS' }
  const proxy = await startTestProxy(t, loadConfig({ apiKeyFile: [file], listen: ['127.0.0.1:0'] }, environment))
  const metric = async (name: string) => {
    const text = await (await fetch(`${proxy.address}/-/metrics`)).text()
    return Number(new RegExp(`^maas_auth_proxy_key_${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1])
  }
  const [loadedAt, failures] = [await metric('loaded_timestamp_seconds'), await metric('reload_failures_total')]
  writeFileSync(file, 'c:t:other')
  await proxy.reload()
  await proxy.logged(record => /has been replaced/.test(String(record['msg'])))
  t.ok(await metric('loaded_timestamp_seconds') > loadedAt, 'the metric tells when that was')
  t.equal(failures, 0)
  writeFileSync(file, 'nonsense')
  await proxy.reload()
  t.ok(await metric('reload_failures_total') > 0, 'and of a file that could not be used')
})

t.test('a key from the environment stays as it is', async t => {
  const proxy = await startTestProxy(t, testConfig('http://127.0.0.1:1/MAAS'))
  await proxy.reload()
  t.match(await proxy.logged(record => /same as before/.test(String(record['msg']))), { source: 'MAAS_API_KEY', file: undefined })
})

t.test('SIGHUP reads the key again', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const dir = t.testdir()
  writeFileSync(join(dir, 'maas-api-key'), textOf(maas.admin), { mode: 0o600 })
  const program = startProgram(t, ['--listen', '127.0.0.1:0'], { MAAS_URL: maas.url, CREDENTIALS_DIRECTORY: dir })
  await program.printed('listening')
  const address = String(/"address":"(http:[^"]+)"/.exec(program.stdout())?.[1])
  t.equal(await whoami(address), 'admin', 'the credential that systemd lends')
  await program.printed('takes the API key as that of admin')
  program.child.kill('SIGHUP')
  await program.printed('same as before')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
})

t.test('a profile of the maas CLI brings address, key and CA', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const home = t.testdir()
  const { consumer, token, secret } = maas.admin
  const url = `${maas.url}/api/2.0/`
  const path = await makeStore(home, OWN, { lab: login({ url, credentials: [consumer, token, secret] }), far: login({ url: 'https://far/MAAS/api/2.0/' }) })
  const env = { HOME: home }
  const config = await loadConfig({ profile: ['lab'], listen: ['127.0.0.1:0'] }, env)
  t.match(config, { maasUrl: { href: maas.url }, keys: [{ name: '--profile', file: path }] })
  t.strictSame([...config.warnings, ...config.notices], [], 'without a word')
  const proxy = await startTestProxy(t, config)
  t.equal(await whoami(proxy.address), 'admin')

  const problems = async (flags: Flags, more: Environment = {}) =>
    await loadConfig(flags, { ...env, ...more })
      .then(() => [], error => (error as SettingsError).problems)
  t.match(await problems({}), [/^MAAS_URL: not set, and the maas CLI has several profiles: "far", "lab"; choose one with --profile/], 'of several none is guessed')
  t.match(await problems({ profile: ['lob'] }), [/^--profile: there is no profile "lob"; did you mean "lab"\?/])
  t.match(await problems({ profile: ['lab'], maasUrl: ['http://x/MAAS'] }), ['--profile and --maas-url: contradict each other, a profile brings its own address; keep one'], 'a key goes to its own MAAS')
  t.match(await problems({ maasUrl: ['http://x/MAAS'] }, { MAAS_PROXY_PROFILE: 'lab' }), [/^MAAS_PROXY_PROFILE and --maas-url: contradict/])
  t.match(await loadConfig({ profile: ['lab'] }, { ...env, MAAS_URL: 'http://x/MAAS', MAAS_API_KEY: 'a:b:c' }), { maasUrl: { href: maas.url }, keys: [{ name: '--profile' }] }, 'the flag beats the environment, as a whole')
  t.strictSame(await problems({}, { MAAS_PROXY_PROFILE: 'lab', MAAS_API_KEY: 'a:b:c' }), ['MAAS_API_KEY and MAAS_PROXY_PROFILE: both are set; keep one'], 'two of one strength are told of once')
  writeFileSync(join(home, 'my.env'), 'MAAS_PROXY_PROFILE=lab')
  t.match(await problems({ envFile: [join(home, 'my.env')] }, { MAAS_API_KEY: 'a:b:c' }), [/^MAAS_PROXY_PROFILE \(.*my\.env\) and MAAS_API_KEY: contradict each other/], 'nor does that of the environment')
  t.match(await problems({ apiKeyFile: ['/x'] }, { MAAS_PROXY_PROFILE: 'lab' }), [/^MAAS_PROXY_PROFILE and --api-key-file: contradict each other/], 'no key goes to the MAAS of another')
  t.match(await problems({ profile: ['lab'] }, { MAAS_PROXY_READ_ONLY: 'maybe' }), [/^MAAS_PROXY_READ_ONLY/])

  const rotated = maas.user
  await makeStore(home, OWN, { lab: login({ url, credentials: [rotated.consumer, rotated.token, rotated.secret] }) })
  await proxy.reload()
  t.equal(await whoami(proxy.address), 'user', 'maas login again is a rotation too')

  const other = await rawUpstream(t)
  await makeStore(home, OWN, { lab: login({ url: `${other.url}/api/2.0/` }) })
  await proxy.reload()
  t.equal(await whoami(proxy.address), 'user', 'after a login to another MAAS the old key stays')
  t.match(await proxy.logged(({ level }) => level === 50), { reason: `the profile leads to ${other.url} now; restart the proxy to follow it there` })
  t.strictSame([maas.records.some(record => JSON.stringify(record).includes(SECRET)), other.sockets.length], [false, 0], 'and neither MAAS gets the key of the other')
})

t.test('where nothing is set, the only profile there is is used, and said', async t => {
  const home = t.testdir({ lent: { 'maas-api-key': 'a:b:c' } })
  const path = await makeStore(home, OWN, { lab: login(), anonymous: login({ credentials: null }) }, { mode: 0o644 })
  const config = await loadConfig({}, { HOME: home })
  t.match(config, { maasUrl: { href: 'http://maas.example:5240/MAAS' }, notices: [`using the only profile of the maas CLI, "lab" of ${path}: http://maas.example:5240/MAAS`] })
  t.match(config.warnings, [/in the clear/, `the profile "lab": every user of this machine may read ${path}; chmod 600 it`])
  const proxy = await startTestProxy(t, { ...config, listeners: config.listeners.map(listener => ({ ...listener, address: { host: '127.0.0.1', port: 0 } })) })
  t.ok(proxy.log.some(record => /^using the only profile/.test(String(record['msg']))))
  const problems = async (environment: Environment) =>
    await loadConfig({}, environment).then(() => [], error => (error as SettingsError).problems)
  t.match(await problems({ HOME: home, MAAS_URL: 'http://x/MAAS' }), [/^MAAS_API_KEY: not set/], 'an address that was set gets no key that was not')
  for (const key of [{ MAAS_API_KEY: 'a:b:c' }, { CREDENTIALS_DIRECTORY: join(home, 'lent') }]) t.match(await problems({ HOME: home, ...key }), [/^MAAS_URL: not set; say where/], `a key does not go to an address that was not set: ${Object.keys(key)}`)
  t.match(await problems({ HOME: '' }), [/^MAAS_URL: not set; say where/, /^MAAS_API_KEY: not set/], 'without a home there is no profile')
  await makeStore(home, OWN, {})
  t.match(await problems({ HOME: home }), [/^MAAS_URL: not set/, /^MAAS_API_KEY: not set/])
})
