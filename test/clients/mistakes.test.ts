import t, { type Test } from 'tap'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/settings/load.ts'
import { parseExpiry } from '../../src/settings/expiry.ts'
import type { SettingsError } from '../../src/settings/settings-error.ts'

const SHA = 'a'.repeat(64)
const TOKEN = 'HIDDEN-token-0001'
const BASE = { MAAS_URL: 'http://localhost:5240/MAAS', MAAS_API_KEY: 'c:t:s' }

function put (t: Test, files: Record<string, string>): string {
  const dir = t.testdir(files)
  for (const name of Object.keys(files)) chmodSync(join(dir, name), 0o600)
  return dir
}

async function problemsOf (load: Promise<unknown>): Promise<readonly string[]> {
  return await load.then(() => [], (error: SettingsError) => error.problems)
}

t.test('a wrong line of a file of tokens is told with its place', async t => {
  const rows: Array<[text: string, wanted: RegExp, reason: string]> = [
    [`ci ${TOKEN} expirs=2999-12-31`, /line 1 is not NAME TOKEN, .*; did you mean expires\?$/, 'an option that is near another'],
    [`ci ${TOKEN} HIDDEN`, /line 1 is not NAME TOKEN, or NAME sha256:HEX, and then perhaps .*"METHOD PATH"$/, 'a third word'],
    [`ci ${TOKEN} =x`, /line 1 is not NAME TOKEN/, 'an option without a name'],
    [`ci ${TOKEN} expires`, /line 1 is not NAME TOKEN, .*"METHOD PATH"$/, 'an option without its value'],
    [`ci ${TOKEN} read-only=yes`, /line 1 is not NAME TOKEN/, 'a value for a switch'],
    [`ci ${TOKEN} allow="GET machines/`, /line 1 is not NAME TOKEN/, 'a quote that is not closed'],
    [`ci ${TOKEN} allow=GET machines/`, /line 1 has a wrong allow: "GET"/, 'a rule without quotes'],
    [`ci ${TOKEN} allow="GET machines/"read-only`, /line 1 is not NAME TOKEN/, 'no space between options'],
    [`ci ${TOKEN} allow="GET nothing/"`, /line 1 has a wrong allow: "GET nothing\/" means no operation of MAAS; did you mean/, 'a rule that means nothing'],
    [`ci ${TOKEN} deny="get machines/"`, /line 1 has a wrong deny: "get machines\/" is not a rule; did you mean "GET machines\/"\?$/, 'a rule that is none'],
    [`ci ${TOKEN} expires=2020-01-31`, /line 1 has a wrong expires: "2020-01-31" is in the past; take the client out, or give it a later date$/, 'a day in the past'],
    [`ci ${TOKEN} expires=2020-01-31T10:00Z`, /is in the past/, 'a time in the past'],
    [`ci ${TOKEN} expires=tomorrow`, /line 1 has a wrong expires: "tomorrow" is not a date; write a day as 2026-12-31/, 'a word'],
    [`ci ${TOKEN} expires=2999-02-30`, /"2999-02-30" is not a date/, 'a day that no month has'],
    [`ci ${TOKEN} expires=2999-13-01`, /"2999-13-01" is not a date/, 'a month that no year has'],
    [`ci ${TOKEN} expires=2999-12-31 expires=2999-12-30`, /line 1 has expires twice; keep one/, 'two dates'],
    [`ci ${TOKEN} read-only read-only`, /line 1 has read-only twice; keep one/, 'a switch twice'],
    ['ci sha256:abc', /line 1 is not NAME TOKEN, or NAME sha256:HEX/, 'half of a digest'],
    [`ci sha256:${SHA}0`, /line 1 is not NAME TOKEN/, 'more than a digest'],
    [`${'a'.repeat(251)} ${TOKEN}`, /line 1 is not NAME TOKEN/, 'a name that is too long'],
    [`ci ${TOKEN}\nci HIDDEN-token-0002`, /: line 2: the client ci is in --client-token-file: ".*": line 1 already; a client is described once$/, 'a name twice'],
    [`ci ${TOKEN}\nbob ${TOKEN}`, /: line 2: has the same token as .*: line 1, so ci and bob could not be told apart$/, 'a token twice'],
    [`ci sha256:${SHA}\nbob sha256:${SHA.toUpperCase()}`, /so ci and bob could not be told apart$/, 'a digest twice'],
    ['ci HIDDEN\nbob sha256:db9f6ebc52f1b03ddf8b8b4bc9f44c5f1ab08d0a4dec6fe3cb3a9d4a9d3d6a5d', /^$/, 'another digest'],
    [`ci ${TOKEN} read-only allow="POST machines/?op=allocate"`, /: line 1: read-only and allow "POST machines\/\?op=allocate": contradict each other; keep one$/, 'a contradiction']
  ]
  for (const [text, wanted, reason] of rows) {
    const problems = await problemsOf(loadConfig({ clientTokenFile: [join(put(t, { tokens: `${text}\n` }), 'tokens')] }, BASE))
    t.match(problems.join('\n'), wanted, reason)
    t.notMatch(problems.join(), /HIDDEN/, 'no token is repeated')
    t.ok(problems.length <= 1, 'one line')
  }
})

t.test('a wrong client of a configuration file is told with its place', async t => {
  const rows: Array<[clients: string, wanted: RegExp[], reason: string]> = [
    ['{}', [/proxy\.yaml:4:1: clients: is not a list with an entry; write an entry for each client/], 'no list'],
    ['[]', [/: clients: is not a list with an entry/], 'an empty list'],
    ['[ci]', [/proxy\.yaml:4:11: clients\[0\]: is not an object; write an entry/], 'a name alone'],
    ['[{ name: ci }]', [/proxy\.yaml:4:11: clients\[0\]: nothing identifies the client ci; give it token-file, token-sha256 or certificate, or a line in the file of --client-token-file$/], 'no token'],
    [`[{ token-sha256: ${SHA} }]`, [/clients\[0\]: has no name; write name: NAME/], 'no name'],
    [`[{ name: c i, token-sha256: ${SHA} }]`, [/clients\[0\]\.name: is not a name; write letters/], 'a name with a space'],
    ['[{ name: ci, token: HIDDEN }]', [/clients\[0\]\.token: no such field of a client; did you mean token-file\?/, /nothing identifies/], 'a token itself'],
    [`[{ name: ci, token-sha256: ${SHA}, expirs: 2999-12-31 }]`, [/proxy\.yaml:4:103: clients\[0\]\.expirs: no such field of a client; did you mean expires\?/], 'a field with a slip'],
    [`[{ name: ci, token-sha256: ${SHA}, 'a b': 1 }]`, [/clients\[0\]\."a b": no such field of a client; the fields are name, token-file, token-sha256, certificate, expires, read-only, allow, deny$/], 'another field'],
    [`[{ name: ci, token-sha256: ${SHA}, __proto__: 1, toString: 1 }]`, [/__proto__: no such field/, /toString: no such field/], 'names that objects have'],
    ['[{ name: ci, token-sha256: HIDDEN }]', [/clients\[0\]\.token-sha256: is not a SHA-256: 64 hexadecimal digits; printf %s TOKEN \| sha256sum makes it/, /nothing identifies/], 'no digest'],
    ['[{ name: ci, token-file: DIR/none }]', [/clients\[0\]\.token-file: ".*none": there is no such file/, /nothing identifies/], 'no file'],
    ['[{ name: ci, token-file: DIR/two }]', [/clients\[0\]\.token-file: ".*two": is not one token of printable characters/, /nothing identifies/], 'a file with two tokens'],
    ['[{ name: ci, token-file: DIR/open }]', [/open": every user of this machine may read it; chmod 600 it/, /nothing identifies/], 'a file for all'],
    [`[{ name: ci, token-file: DIR/one, token-sha256: ${SHA} }]`, [/clients\[0\]: token-file and token-sha256: both are set; keep one/], 'two tokens'],
    [`[{ name: ci, token-sha256: ${SHA}, read-only: maybe }]`, [/clients\[0\]\.read-only: "maybe" is neither true nor false/], 'a switch that is none'],
    [`[{ name: ci, token-sha256: ${SHA}, read-only: [true, true] }]`, [/clients\[0\]\.read-only: takes one text or switch/], 'a list for a switch'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: { GET: x } }]`, [/clients\[0\]\.allow: takes a text or a list of texts/], 'an object for rules'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: [] }]`, [/clients\[0\]\.allow: is empty; give it a value, or leave it out/], 'an empty list of rules does not mean no rules'],
    [`[{ name: ci, token-sha256: ${SHA}, deny: [''] }]`, [/clients\[0\]\.deny: is empty/], 'nor do blank ones'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: GET nothing/ }]`, [/clients\[0\]\.allow: "GET nothing\/" means no operation of MAAS/], 'a rule that means nothing'],
    [`[{ name: ci, token-sha256: ${SHA}, expires: 2020-01-01 }]`, [/clients\[0\]\.expires: "2020-01-01" is in the past/], 'a day in the past'],
    [`[{ name: ci, token-sha256: ${SHA} }, { name: ci, token-file: DIR/one }]`, [/clients\[1\]: the client ci is in clients\[0\] already; a client is described once/], 'a name twice'],
    ['[{ name: ci, token-file: DIR/one }, { name: bob, token-file: DIR/one }]', [/clients\[1\]: has the same token as clients\[0\], so ci and bob could not be told apart/], 'a token twice'],
    [`[{ name: ci, token-sha256: ${SHA}, read-only: true, allow: 'POST machines/?op=allocate' }]`, [/clients\[0\]: read-only and allow "POST machines\/\?op=allocate": contradict each other; keep one/], 'a contradiction'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: 'GET tags/' }]\nallow: [GET machines/**]`, [/clients\[0\]: allow "GET tags\/" means only operations that the listener refuses; rules of a client narrow those of its listener/], 'more than the listener'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: 'POST machines/' }]\nread-only: true`, [/means only operations that the listener refuses/], 'writes where the listener is read-only'],
    [`[{ name: ci, token-sha256: ${SHA}, allow: 'GET machines/*?op=power_parameters' }]`, [/means only operations that the listener refuses/], 'what the guard refuses'],
    [`[{ name: ci, token-sha256: ${SHA} }]\nno-client-auth: true`, [/clients and --no-client-auth: contradict each other; keep one/], 'clients that nobody asks for']
  ]
  for (const [clients, wanted, reason] of rows) {
    const dir = put(t, { two: 'a b\n', one: `${TOKEN}\n`, open: `${TOKEN}\n`, env: '' })
    chmodSync(join(dir, 'open'), 0o644)
    writeFileSync(join(dir, 'proxy.yaml'), `maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nlisteners: [{ listen: 0 }]\nclients: ${clients.replaceAll('DIR', dir)}\n`)
    const problems = await problemsOf(loadConfig({ config: [join(dir, 'proxy.yaml')], envFile: [join(dir, 'env')] }, {}))
    t.equal(problems.length, wanted.length, `${reason}: ${problems.join(' | ')}`)
    for (const [i, pattern] of wanted.entries()) t.match(problems[i], pattern, reason)
    t.notMatch(problems.join(), /HIDDEN/, 'no token is repeated')
  }
})

t.test('rules of a client that can pass for one resource are no mistake', async t => {
  const rows: Array<[rest: string, rule: string, reason: string]> = [
    ['allow: [GET machines/abc]', 'GET machines/*', 'the listener allows one machine'],
    ['allow: [GET machines/*]', 'GET machines/abc', 'the client names one of them'],
    ["allow-credential-operation: ['GET machines/abc?op=power_parameters']", 'GET machines/*?op=power_parameters', 'the listener opens it for one machine'],
    ['allow: [GET tags/]\npolicy-mode: warn', 'GET machines/', 'the rules of the listener only warn'],
    ['deny: [GET machines/abc]', 'GET machines/*', 'the listener denies one machine']
  ]
  for (const [rest, rule, reason] of rows) {
    const dir = put(t, { 'proxy.yaml': `maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nlisteners: [{ listen: 0 }]\n${rest}\nclients: [{ name: ci, token-sha256: ${SHA}, allow: '${rule}' }]\n` })
    t.strictSame(await problemsOf(loadConfig({ config: [join(dir, 'proxy.yaml')] }, {})), [], reason)
  }
})

t.test('clients of a list and of the file of tokens are put together', async t => {
  const load = async (clients: string, tokens: string) => {
    const dir = put(t, { tokens, one: TOKEN })
    writeFileSync(join(dir, 'proxy.yaml'), `maas-url: http://localhost:5240/MAAS\napi-key: c:t:s\nclient-token-file: ${dir}/tokens\nlisteners:\n  - clients: ${clients.replaceAll('DIR', dir)}\n`)
    return await loadConfig({ config: [join(dir, 'proxy.yaml')] }, {})
  }
  const { listeners: [listener], warnings } = await load('[{ name: ci, read-only: true, expires: 2999-12-31 }, { name: bob, token-file: DIR/one }]', 'ci HIDDEN-token-0002\neve short\n')
  t.match(listener?.clients, [{ name: 'ci', policy: { readOnly: true }, expires: new Date('3000-01-01T00:00:00Z') }, { name: 'eve', policy: null, expires: null }, { name: 'bob', policy: null }])
  t.match(warnings.at(-1), /^.*proxy\.yaml:5:5: listeners\[0\]: --client-token-file: the token of eve is shorter than 16 characters and may be guessed; maas-auth-proxy token NAME makes a better one$/)
  const rows: Array<[clients: string, tokens: string, wanted: RegExp, reason: string]> = [
    [`[{ name: ci, token-sha256: ${SHA} }]`, `ci ${TOKEN}\n`, /proxy\.yaml:5:15: listeners\[0\]\.clients\[0\]: the client ci has a token in --client-token-file: ".*": line 1 too; keep one$/, 'two tokens'],
    ["[{ name: ci, deny: 'DELETE **' }]", `ci ${TOKEN} allow="GET machines/"\n`, /the client ci has rules in .* too; keep one/, 'two sets of rules'],
    ['[{ name: ci, expires: 2999-12-31 }]', `ci ${TOKEN} expires=2999-12-30\n`, /the client ci has a date in .* too; keep one/, 'two dates'],
    ['[{ name: bob, token-file: DIR/one }]', `ci ${TOKEN}\n`, /clients\[0\]: has the same token as --client-token-file: ".*": line 1, so ci and bob could not be told apart/, 'one token']
  ]
  for (const [clients, tokens, wanted, reason] of rows) {
    t.match(await problemsOf(load(clients, tokens)), [wanted], reason)
  }
  const kept = await load('[{ name: ci }]', `ci ${TOKEN} expires=2999-12-30 deny="DELETE **"\n`)
  t.match(kept.listeners[0]?.clients, [{ name: 'ci', policy: { readOnly: false }, expires: new Date('2999-12-31T00:00:00Z') }], 'what the list does not say stays')
})

t.test('an end is a day in UTC or a time', async t => {
  t.equal(parseExpiry('2999-12-31').toISOString(), '3000-01-01T00:00:00.000Z', 'the day itself still counts')
  t.equal(parseExpiry('2999-12-31T18:00:00Z').toISOString(), '2999-12-31T18:00:00.000Z')
  t.equal(parseExpiry('2999-12-31T18:00Z').toISOString(), '2999-12-31T18:00:00.000Z')
  for (const text of ['2999-12-31T18:00:00', '2999-12-31T18:00:00+01:00', '31.12.2999', '2999-12-31T25:00Z', '', '2999']) t.throws(() => parseExpiry(text), /is not a date/, text)
})
