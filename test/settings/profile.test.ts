import t, { type Test } from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { readProfile, readProfiles } from '../../src/settings/key/profile.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { CONSUMER, CREDENTIALS, login, makeStore, OWN, SECRET, SNAP, TOKEN } from '../helper/maascli-store.ts'

/** All there is below a directory, with its bytes and times. */
function everything (home: string): unknown {
  return readdirSync(home, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => {
    const path = resolve(entry.parentPath, entry.name)
    const { mtimeMs, ctimeMs, mode } = statSync(path)
    return { path, mtimeMs, ctimeMs, mode, bytes: readFileSync(path, 'latin1') }
  })
}

/** The message of a refusal, in which no part of a key may be. */
async function refusal (t: Test, name: string, home: string): Promise<string> {
  const { message } = await readProfile(name, { HOME: home }).then(() => ({ message: 'it was read' }), error => error as Error)
  for (const part of CREDENTIALS) t.notOk(message.includes(part), `nothing of the key in: ${message}`)
  return message
}

t.test('a profile of the maas CLI brings all that is needed', async t => {
  const home = t.testdir()
  const path = await makeStore(home, OWN, { prod: login(), lab: login({ url: 'https://lab:5443/MAAS/api/2.0/' }) })
  const before = everything(home)
  const { apiKey, ...rest } = await readProfile('prod', { HOME: home })
  t.strictSame(rest, { name: 'prod', maasUrl: { origin: 'http://maas.example:5240', href: 'http://maas.example:5240/MAAS' }, certificates: [], path, readableByAll: false })
  t.strictSame([apiKey.consumerKey, apiKey.tokenKey, apiKey.tokenSecret], CREDENTIALS)
  t.strictSame((await readProfiles({ HOME: home })).map(({ name, maasUrl }) => [name, maasUrl.href]), [['lab', 'https://lab:5443/MAAS'], ['prod', 'http://maas.example:5240/MAAS']])
  t.strictSame(everything(home), before, 'nothing was written, and nothing is there that was not')
})

t.test("the snap has a place of its own, and the CLI's own comes first", async t => {
  const home = t.testdir()
  await makeStore(home, SNAP, { both: login({ url: 'http://snap/MAAS/api/2.0/' }), snap: login() })
  t.equal((await readProfile('snap', { HOME: home })).path, resolve(home, 'snap/maas/current', OWN), 'the snap alone')
  const own = await makeStore(home, OWN, { both: login({ url: 'http://own/MAAS/api/2.0/' }), own: login() })
  t.strictSame((await readProfiles({ HOME: home })).map(({ name, maasUrl }) => `${name} ${maasUrl.origin}`), ['both http://own', 'own http://maas.example:5240', 'snap http://maas.example:5240'])
  t.equal((await readProfile('both', { HOME: home })).path, own)
  writeFileSync(resolve(home, SNAP), 'damaged '.repeat(200))
  t.equal((await readProfile('own', { HOME: home })).path, own, 'the second file is not opened for what is in the first')
  t.match(await refusal(t, 'snap', home), /snap\/maas\/current\/.maascli.db": not the profiles of the maas CLI \(file is not a database\)/)
})

t.test('a name that is in no file', async t => {
  const home = t.testdir()
  t.equal(await refusal(t, 'prod', home), `there is no profile "prod", and no other, in "${home}/.maascli.db" or "${home}/snap/maas/current/.maascli.db"; maas login makes one`)
  await makeStore(home, OWN, { production: login() })
  t.equal(await refusal(t, 'prodction', home), 'there is no profile "prodction"; did you mean "production"? there is "production"')
  await makeStore(home, OWN, { prod: login() })
  t.match(await refusal(t, 'prxx', home), /did you mean "prod"\?/, 'a name of which half is right may be meant')
  t.equal(await refusal(t, 'pxxx', home), 'there is no profile "pxxx"; there is "prod"', 'one of which less is right is another name')
  await makeStore(home, OWN, { production: login() })
  await makeStore(home, SNAP, { production: login(), lab: login() })
  t.equal(await refusal(t, 'testing', home), 'there is no profile "testing"; there are "production", "lab"', 'nothing is near')
  t.match(await refusal(t, 'abcdefghijklmnopqr:abcdefghijklmnopqr:abcdefghijklmnopqr', home), /no profile \(a text that looks like an API key/)
  for (const HOME of [undefined, '']) await t.rejects(readProfile('prod', { HOME }), { message: /^HOME is not set/ })
})

t.test('a file without profiles is as good as none', async t => {
  const cases: Array<[reason: string, profiles: Record<string, string> | null, sql: string]> = [
    ['nothing in it, as the CLI makes it before its first login', null, ''],
    ['no table of profiles', null, 'CREATE TABLE other (x)'],
    ['an empty table, after a logout', {}, '']
  ]
  for (const [reason, profiles, sql] of cases) {
    const home = t.testdir()
    const path = await makeStore(home, OWN, profiles, { sql })
    if (profiles === null && sql === '') writeFileSync(path, '')
    t.match(await refusal(t, 'prod', home), /^there is no profile "prod", and no other, in /, reason)
    t.strictSame(await readProfiles({ HOME: home }), [])
  }
})

t.test('a file that cannot be read is named, with the reason', async t => {
  const home = t.testdir()
  const path = await makeStore(home, OWN, { prod: login() })
  const whole = readFileSync(path)
  const damaged = (offset: number, ...bytes: number[]) =>
    Buffer.from(whole).fill(Buffer.from(bytes), offset, offset + bytes.length)
  const cases: Array<[reason: string, bytes: Buffer | string, wanted: RegExp]> = [
    ['another kind of file', `${CREDENTIALS.join(':')}\n`.repeat(40), /\(file is not a database\)$/],
    ['cut off', whole.subarray(0, 8192), /\(database disk image is malformed\)$/],
    ['in the mode of a write-ahead log, which the CLI never asks for and of which this is only a part', damaged(18, 2, 2), /\(unable to open database file\)$/],
    ['of a table without the columns', await makeStore(home, 'other', null, { sql: 'CREATE TABLE profiles (x)' }).then(path => readFileSync(path)), /\(no such column: name\)$/]
  ]
  for (const [reason, bytes, wanted] of cases) {
    writeFileSync(path, bytes)
    t.match(await refusal(t, 'prod', home), wanted, reason)
    await t.rejects(readProfiles({ HOME: home }), { message: wanted })
  }
  rmSync(path)
  mkdirSync(path)
  t.equal(await refusal(t, 'prod', home), `"${path}": it is a directory`)
})

t.test('a profile that cannot be used says why, and only if it is asked for', async t => {
  const home = t.testdir()
  const key = (...credentials: unknown[]) => login({ credentials })
  const cases: Record<string, [data: string | null, wanted: RegExp]> = {
    anonymous: [login({ credentials: null }), /has no API key, it is an anonymous login; log in again with one$/],
    'not JSON': [`{"credentials": ["${CREDENTIALS.join('", "')}"], `, /is damaged, not the JSON/],
    'no data': [null, /is damaged/],
    'no object': [`"${SECRET}"`, /is damaged/],
    'JSON null': ['null', /is damaged/],
    'no credentials': [login({ credentials: undefined }), /lacks its API key or its URL/],
    'no URL': [login({ url: undefined }), /lacks its API key or its URL/],
    'two parts': [key(CONSUMER, SECRET), /its API key: not an API key of the form/],
    'a part with a colon': [key(CONSUMER, TOKEN, `a:${SECRET}`), /its API key: not an API key/],
    'a part with a line break': [key(CONSUMER, TOKEN, `${SECRET}\nx`), /its API key: has a character inside/],
    'API 1.0': [login({ url: 'http://maas.example/MAAS/api/1.0/' }), /its URL: has another path than \/MAAS/],
    'a key as URL': [login({ url: CREDENTIALS.join(':') }), /its URL: has the form of an API key/],
    'no certificate': [login({ cacerts: 'none' }), /its cacerts: has no certificate in PEM/],
    'no text as certificate': [login({ cacerts: [1] }), /its cacerts: has no certificate in PEM/]
  }
  const path = await makeStore(home, OWN, {
    good: login(),
    ...Object.fromEntries(Object.entries(cases).map(([name, [data]]) => [name, data]))
  })
  for (const [name, [, wanted]] of Object.entries(cases)) {
    const message = await refusal(t, name, home)
    t.match(message, wanted)
    t.ok(message.startsWith(`profile "${name}" of "${path}"`), 'the profile and the file are named')
  }
  t.match(await readProfile('good', { HOME: home }), { name: 'good' })
  t.match(await readProfiles({ HOME: home }), [{ name: 'good' }])
})

t.test('the certificates of a login', async t => {
  const home = t.testdir()
  const [{ ca }, { ca: other }] = await Promise.all([makeCertificates(), makeCertificates()])
  await makeStore(home, OWN, { one: login({ cacerts: `${ca}\n` }), two: login({ cacerts: `a comment\n${ca}\n${other}\n` }), old: login({ cacerts: undefined }) })
  for (const [name, wanted] of [['one', [ca]], ['two', [ca, other]], ['old', []]] as const) t.strictSame((await readProfile(name, { HOME: home })).certificates, wanted, name)
})

t.test('a file that others may read is told apart', async t => {
  for (const [mode, wanted] of [[0o600, false], [0o640, false], [0o604, true], [0o644, true]] as const) {
    const home = t.testdir()
    await makeStore(home, OWN, { prod: login() }, { mode })
    t.equal((await readProfile('prod', { HOME: home })).readableByAll, wanted, mode.toString(8))
  }
})

t.test('a file of another user', { skip: process.getuid?.() === 0 ? 'root may read every file' : false }, async t => {
  const home = t.testdir()
  const path = await makeStore(home, OWN, { prod: login() }, { mode: 0o000 })
  t.equal(await refusal(t, 'prod', home), `"${path}": this user may not read it`)
})

t.test('a maas command that is running', { skip: spawnSync('python3', ['-c', 'import sqlite3']).status === 0 ? false : 'python3 with sqlite3 is not installed' }, async t => {
  const home = t.testdir()
  const path = await makeStore(home, OWN, { prod: login() })
  // It is asked for the next step with a line, and answers with one: the same library and the same calls as the CLI's.
  const python = spawn('python3', ['-c', `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.stdin:
    database.execute(statement)
    print('done', flush=True)
`, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => python.kill())
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const execute = async (statement: string) => {
    python.stdin.write(`${statement}\n`)
    t.match(await answers.next(), { value: 'done' }, statement)
  }
  await execute('BEGIN EXCLUSIVE')
  t.match(await readProfile('prod', { HOME: home }), { name: 'prod' }, 'its lock keeps nobody from reading what is there')
  await execute("UPDATE profiles SET name = 'renamed'")
  t.match(await refusal(t, 'prod', home), /a maas command is writing it/, 'what is half written is not read')
  await execute('COMMIT')
  t.match(await readProfile('renamed', { HOME: home }), { name: 'renamed' }, 'and the lock was no hindrance to it')
  const before = everything(home)
  await execute('BEGIN EXCLUSIVE')
  await readProfiles({ HOME: home })
  t.strictSame(everything(home), before, 'nothing was written beside it')
})

t.test('SQLite prints nothing, even about a damaged file', async t => {
  const home = t.testdir()
  const path = await makeStore(home, OWN, { prod: login() })
  const captures = (['log', 'warn', 'error'] as const).map(method => t.capture(console, method))
  await readProfile('prod', { HOME: home })
  writeFileSync(path, readFileSync(path).subarray(0, 8192))
  await t.rejects(readProfile('prod', { HOME: home }), /malformed/)
  t.strictSame(captures.flatMap(calls => calls()), [])
})
