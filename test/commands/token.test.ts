import t from 'tap'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { loadConfig } from '../../src/settings/load.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { rawUpstream } from '../helper/sockets.ts'
import { runHere } from '../helper/process.ts'

const sha = (token: string) => createHash('sha256').update(token).digest('hex')

t.test('token makes a token, which works with the line that it prints', async t => {
  const rows: Array<[argv: string[], line: RegExp, reason: string]> = [
    [['alice'], /^alice sha256:[\da-f]{64}$/, 'a name alone'],
    [['ci', '--read-only'], /^ci sha256:\S+ read-only$/, 'for reads'],
    [['ci', '--allow', 'GET machines/**', '--allow', 'POST machines/*?op=deploy', '--deny', 'GET machines/a'], /^ci sha256:\S+ allow="GET machines\/\*\*" allow="POST machines\/\*\?op=deploy" deny="GET machines\/a"$/, 'with rules'],
    [['ci', '--expires', '30d'], /^ci sha256:\S+ expires=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'for days'],
    [['ci', '--expires', '12h'], /^ci sha256:\S+ expires=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'for hours'],
    [['ci', '--expires=2999-12-31'], /^ci sha256:\S+ expires=3000-01-01T00:00:00Z$/, 'until the end of a day'],
    [['system:serviceaccount:ns:ci', '--read-only=false'], /^system:serviceaccount:ns:ci sha256:\S+$/, 'for a workload']
  ]
  for (const [argv, line, reason] of rows) {
    const { code, stdout, stderr } = await runHere(['token', ...argv])
    t.equal(code, 0, reason)
    t.match(stdout.trimEnd(), line, reason)
    const [, token = ''] = /^the token of \S+, which is shown only now: ([\da-f]{48})\n$/.exec(stderr) ?? []
    t.match(stdout, sha(token), 'the line has the hash of the token')
    t.notMatch(stdout, token, 'and no token')
    const { stdout: json } = await runHere(['token', ...argv, '--json'])
    const made = JSON.parse(json)
    t.match(made, { name: argv[0], token: /^[\da-f]{48}$/, line: `${String(argv[0])} sha256:${sha(made.token)}` })
    t.not(made.token, token, 'each token is another')
    const file = join(t.testdir({}), 'tokens')
    writeFileSync(file, stdout, { mode: 0o600 })
    t.match((await loadConfig({ clientTokenFile: [file] }, { MAAS_URL: 'http://localhost/MAAS', MAAS_API_KEY: 'c:t:s' })).listeners[0]?.clients, [{ name: argv[0], digest: sha(token) }])
  }
  const { stdout, stderr } = await runHere(['token', 'ci', '--allow', 'GET tags/'])
  const file = join(t.testdir({}), 'tokens')
  writeFileSync(file, stdout, { mode: 0o600 })
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, { clientTokenFile: [file] }))
  const headers = { Authorization: `Bearer ${stderr.trim().split(' ').at(-1)}` }
  const statuses = ['tags/', 'zones/'].map(async path => (await fetch(`${proxy.address}/MAAS/api/2.0/${path}`, { headers })).status)
  t.strictSame(await Promise.all(statuses), [200, 403])
})

t.test('what makes no client is told with what to write', async t => {
  const rows: Array<[argv: string[], wanted: RegExp, reason: string]> = [
    [['token'], /error: token: write token NAME\n/, 'no name'],
    [['token', 'a', 'b'], /error: token: write token NAME\n/, 'two names'],
    [['token', 'a b'], /error: token: NAME: is not a name; write letters, digits and/, 'a space'],
    [['token', 'ci', '--expires', '30'], /error: token: --expires: "30" is not a date; write a day as 2026-12-31/, 'no unit'],
    [['token', 'ci', '--expires', 'soon'], /error: token: --expires: "soon" is not a time; write days as 30d, hours as 12h, or a date as 2026-12-31/, 'a word'],
    [['token', 'ci', '--expires', '0d'], /--expires: "0d" is not between 1h and 3650d/, 'no time'],
    [['token', 'ci', '--expires', '4000d'], /--expires: "4000d" is not between 1h and 3650d/, 'too much'],
    [['token', 'ci', '--expires', '2020-01-01'], /--expires: "2020-01-01" is in the past/, 'the past'],
    [['token', 'ci', '--expires'], /error: --expires: needs a value/, 'no value'],
    [['token', 'ci', '--expires', '--read-only'], /error: --expires: needs a value/, 'a flag for a value'],
    [['token', 'ci', '--allow', 'GET nothing/'], /token: --allow: "GET nothing\/" means no operation of MAAS/, 'a rule that means nothing'],
    [['token', 'ci', '--deny', 'GET tags/"a"'], /token: --deny: "GET tags\/\\"a\\"" has a quote; write %22 for it/, 'a quote'],
    [['token', 'ci', '--read-only', '--allow', 'POST tags/'], /token: --read-only and --allow "POST tags\/": contradict each other; keep one/, 'a contradiction'],
    [['token', 'ci', '--read-only=maybe'], /token: --read-only: "maybe" is neither true nor false/, 'a switch that is none'],
    [['token', 'ci', '--listen', '1'], /token: --listen: is no setting of a client; leave it out/, 'a setting of the proxy'],
    [['serve', '--expires', '3d'], /error: --expires: is no flag of serve; token has it/, 'the flag of another command'],
    [['policy', 'learn', 'x.log', '--client', 'ci'], /error: --client: is for policy list, and for policy test of one operation; leave it out/, 'a client, of whom nothing is learned'],
    [['check', '--client', 'ci'], /error: --client: is no flag of check; policy has it/, 'another']
  ]
  for (const [argv, wanted, reason] of rows) {
    const { code, stdout, stderr } = await runHere(argv)
    t.strictSame([code, stdout], [2, ''], reason)
    t.match(stderr, wanted, reason)
  }
})

t.test('policy answers for a client', async t => {
  const dir = t.testdir({
    'proxy.yaml': [
      'maas-url: http://localhost/MAAS', 'api-key: c:t:s', 'listeners:',
      `  - { listen: 1, allow: [GET **], clients: [{ name: ci, token-sha256: ${'a'.repeat(64)}, allow: [GET tags/, GET machines/abc] }, { name: free, token-sha256: ${'b'.repeat(64)} }] }`,
      '  - { listen: 2 }'
    ].join('\n')
  })
  chmodSync(join(dir, 'proxy.yaml'), 0o600)
  const config = ['--config', join(dir, 'proxy.yaml')]
  const ask = async (...argv: string[]) => await runHere(['policy', ...argv, ...config])
  const rows: Array<[argv: string[], code: number, wanted: RegExp, reason: string]> = [
    [['test', 'GET tags/', '--client', 'ci'], 0, /^allowed: GET tags\/\n {2}by allow "GET tags\/" of the client ci\n$/, 'its own rule'],
    [['test', 'GET zones/', '--client', 'ci'], 1, /^refused: GET zones\/\n {2}by no allow rule of the client ci that means it\n {2}allow it with the client's rule allow "GET zones\/"\n/, 'which closes the rest'],
    [['test', 'POST tags/', '--client', 'ci'], 1, /^refused: POST tags\/\n {2}by no --allow rule that means it\n/, 'those of the listener come first'],
    [['test', 'GET zones/', '--client', 'free'], 0, /^allowed: GET zones\/\n {2}by --allow "GET \*\*"\n/, 'a client without own rules'],
    [['list', '--client', 'ci'], 0, /^GET {5}tags\/\n1 of \d+ operations of MAAS are allowed for every resource\n {2}allow "GET machines\/abc" of the client ci means .*GET machines\/\*.* for that one only\n$/, 'a list'],
    [['list'], 0, /\n {2}ci may do less; --client NAME lists it\n[^]*:2:\n/, 'a list for all says who has less'],
    [['list', '--client', 'cii'], 2, /^$/, 'a client that is not there']
  ]
  for (const [argv, code, wanted, reason] of rows) {
    const answer = await ask(...argv)
    t.equal(answer.code, code, `${reason}: ${answer.stderr}`)
    t.match(answer.stdout, wanted, reason)
  }
  t.match((await ask('list', '--client', 'cii')).stderr, /error: --client: there is no such client; did you mean ci\?\n/)
  t.match((await runHere(['policy', 'list', '--client', 'ci'])).stderr, /error: --client: there is no such client; the settings have no clients\n/)
})
