import t from 'tap'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { startStandIn, type StandInRecord } from '../../../src/demo/stand-in/index.ts'
import { runHere } from '../../helper/process.ts'
import { startTestProxy, testConfig } from '../../helper/proxy.ts'
import { makeHome, PYTHON, without } from './child.ts'
import { CLIENTS, type Send } from './clients.ts'
import { CONTENT, type Found, STEPS } from './steps.ts'

/** What a user puts where a tool insists on a key. */
const PLACEHOLDER = 'proxysigns:proxysigns:proxysigns'

/** What a user puts there where the proxy asks for a token. */
const TOKEN = '5f0e1d2c3b4a59687706f5e4d3c2b1a0'

const PROVIDER = fileURLToPath(new URL('oauthlib_provider.py', import.meta.url))
const withoutProvider = without('python3-oauthlib', [PYTHON, '-c', 'import oauthlib'])

t.jobs = 2 // starting a tool dozens of times takes long

for (const { name, missing, keyless, open } of CLIENTS) {
  t.test(name, { skip: missing, buffered: true }, async t => {
    const records: StandInRecord[] = []
    const maas = await startStandIn({ onRequest: record => { records.push(record) } })
    t.after(() => maas.close())
    const key = [maas.admin.consumer, maas.admin.token, maas.admin.secret]
    const home = makeHome(t)
    const recording = join(home, 'work.json')
    const proxy = await startTestProxy(t, testConfig(maas.url, { learn: [recording] }, key.join(':')))
    const site = `http://localhost:${proxy.port}/MAAS`
    const walk = async (site: string, key: string | null) => await takeSteps(t, home, await open(t, home, site, key))

    const direct = await walk(maas.url, key.join(':'))
    t.notOk(records.some(isProxied), 'directly, with the right key')
    t.strictSame(await walk(site, PLACEHOLDER), direct, 'through the proxy with a placeholder, to the same answers')
    await proxy.stop()
    const allow = await learnedRules(recording)
    if (!keyless || name === 'curl') {
      const before = records.length
      const asking = await startTestProxy(t, testConfig(maas.url, { clientTokenFile: [writeTokens(home)], allow }, key.join(':')))
      const answers = await walk(`http://localhost:${asking.port}/MAAS`, `any:any:${TOKEN}`)
      t.strictSame(answers, direct, 'through a proxy that asks for tokens, with one in the key, under the rules that were learned')
      t.strictSame(new Set(asking.log.filter(({ msg }) => msg === 'request').map(({ client }) => client)), new Set(['tool']), 'which names the client')
      t.notMatch(JSON.stringify([records.slice(before), asking.log]), TOKEN, 'and goes neither to MAAS nor into the log')
    }
    if (keyless) {
      const enforcing = await startTestProxy(t, testConfig(maas.url, { allow }, key.join(':')))
      t.strictSame(await walk(`http://localhost:${enforcing.port}/MAAS`, null), direct, 'and without a key, under the rules that were learned from it')
    }

    const proxied = records.filter(isProxied)
    for (const { method, url, user, rawHeaders } of proxied) {
      const anonymous = /\/(version\/|files\/\?.*op=get_by_key)/.test(url)
      t.strictSame([user, rawHeaders.includes('Authorization')], anonymous ? [null, false] : ['admin', true], `${method} ${url}`)
    }
    await t.test('oauthlib, as the provider, takes every signature', { skip: withoutProvider }, async t => {
      const signed = proxied.filter(({ rawHeaders }) => rawHeaders.includes('Authorization'))
      t.strictSame(verify(key, signed), signed.map(() => true), `all ${signed.length} of them`)
      t.strictSame(verify([...key.slice(0, 2), 'x'.repeat(32)], signed), signed.map(() => false), 'and it does look at the secret')
      t.strictSame(verify(key, signed.slice(0, 2).flatMap(record => [record, record])), [true, false, true, false], 'and at the nonce')
    })
  })
}

/** The rules that `policy learn` makes of a recording. */
async function learnedRules (recording: string): Promise<string[]> {
  const { stdout } = await runHere(['policy', 'learn', recording])
  return (parse(stdout) as { allow: string[] }).allow
}

/** A file of client tokens with one. */
function writeTokens (home: string): string {
  const file = join(home, 'tokens')
  writeFileSync(file, `tool ${TOKEN}\n`, { mode: 0o600 })
  return file
}

/** Takes a client through all steps. @returns what it got, without what is another for every file */
async function takeSteps (t: Pick<Tap, 'equal' | 'ok'>, home: string, send: Send) {
  const upload = join(home, 'upload.bin')
  writeFileSync(upload, CONTENT)
  const found: Found = { machine: '', file: '' }
  const answers = []
  for (const { name, call, status, fits } of STEPS) {
    const answer = await send(call(found, upload))
    t.equal(answer.status, status, `${name}: ${status}`)
    t.ok(fits(answer.body, found), `${name}: with the body it has to have`)
    answers.push([name, answer.status, answer.body.toString('latin1').replace(/key=[\w-]+/, 'key=')])
  }
  return answers
}

type Tap = typeof t

function isProxied ({ rawHeaders }: StandInRecord): boolean {
  return rawHeaders.includes('Via')
}

/** What oauthlib's provider side says of each request: whether it is signed with the key. */
function verify (key: readonly string[], signed: readonly StandInRecord[]): boolean[] {
  const requests = signed.map(({ method, url, rawHeaders }) => ({ method, url: `http://maas${url}`, authorization: rawHeaders[rawHeaders.indexOf('Authorization') + 1] }))
  return JSON.parse(spawnSync(PYTHON, [PROVIDER], { input: JSON.stringify({ key, requests }), encoding: 'utf8' }).stdout)
}
