import t, { type Test } from 'tap'
import { chmodSync, writeFileSync } from 'node:fs'
import { parse } from 'yaml'
import { readRequestRecord } from '../../src/cli/commands/policy/request-record.ts'
import { findOperation, type Operation } from '../../src/maas/operations.ts'
import { formatRecording } from '../../src/observe/recording/recording-format.ts'
import { Recording, type RequestFacts } from '../../src/observe/recording/recording.ts'
import { asRule, knownOperations, type KnownOperation } from '../../src/policy/catalogue.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { API_ROOT, segmentsOf } from '../../src/policy/segments.ts'
import { loadPolicies } from '../../src/settings/load.ts'
import { PROGRAM, runHere, startCommand } from '../helper/process.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, OK, rawUpstream } from '../helper/sockets.ts'

const TIME = '2026-11-27T05:00:00.000Z'
const LATER = '2026-11-28T05:00:00.000Z'
const [SHOWN, SHOWN_LATER] = [TIME, LATER].map(time => time.replace('.000', ''))

/** A record as the log has it. */
const record = (fields: object) => JSON.stringify({
  level: 30, time: TIME, method: 'GET', path: '/MAAS/api/2.0/machines/', access: 'signed', status: 200, ...fields, msg: 'request'
})

/** Learns from lines of a log. */
async function learn (t: Test, lines: readonly string[], ...flags: string[]): ReturnType<typeof runHere> {
  const dir = t.testdir({ log: lines.map(line => `${line}\n`).join('') })
  return await runHere(['policy', 'learn', `${dir}/log`, ...flags])
}

async function policyOf (allow: readonly string[]): Promise<Policy> {
  const [listener] = await loadPolicies({ allow: [...allow] }, {})
  return listener?.policy as Policy
}

t.test('each line of a log is learned as the operation that MAAS ran', async t => {
  const rows: Array<[line: string, wanted: RegExp, reason: string]> = [
    [record({}), /^allow:\n {2}- "GET machines\/\?op=" {2}# 1 request; last 2026-11-27T05:00:00Z$/m, 'a plain read, which is not the other operations of its path'],
    [record({ op: 'is_registered' }), /- "GET machines\/\?op=is_registered"/, 'with an op'],
    [record({ method: 'HEAD' }), /- "GET machines\/\?op=" /, 'a HEAD is the GET without a body'],
    [record({ method: 'POST', path: '/MAAS/api/2.0/machines/abc/', op: 'deploy', client: 'ci' }), /- "POST machines\/\*\?op=deploy" {2}# DANGEROUS: overwrites disks; 1 request; by ci; /, 'a write, with its client and without its id'],
    [record({ method: 'POST', path: '/MAAS/api/2.0/machines/abc/op-deploy' }), /- "POST machines\/\*\?op=deploy"/, 'an op in the path'],
    [record({ path: '/MAAS//api/2.0/machines//abc/' }), /- "GET machines\/\*\?op="/, 'double slashes'],
    [record({ path: '/MAAS/api/2.0/%6dachines/' }), /- "GET machines\/\?op="/, 'an escape'],
    [`Nov 27 05:00:00 host maas-auth-proxy[7]: ${record({})}`, /- "GET machines\/\?op="/, 'a line of the journal'],
    [record({ access: 'anonymous', path: '/MAAS/api/2.0/version/' }), /- "GET version\/"/, 'an unsigned one needs a rule too'],
    [record({ error: 'MAAS_PROXY_UPSTREAM_CLOSED', status: 502 }), /- "GET machines\/\?op="/, 'one that MAAS did not answer was asked for all the same'],
    [record({ access: undefined, error: 'MAAS_PROXY_RULE_REFUSED', status: 403, method: 'DELETE', path: '/MAAS/api/2.0/tags/blue/' }), /^# No rule is needed[^]*# Left out: 1 request; refused by MAAS_PROXY_RULE_REFUSED: DELETE tags\/\*\.$/m, 'a refused one is named, and needs none'],
    [record({ access: undefined, error: 'MAAS_PROXY_PATH_UNSERVED', status: 404, path: '/MAAS/r/' }), /Left out: 1 request; refused by MAAS_PROXY_PATH_UNSERVED\.$/m, 'one outside of the API'],
    [record({ access: undefined, error: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', path: '/MAAS/api/2.0/machines/abc/', op: 'power_parameters' }), /^# Guarded, so it has no rule: GET machines\/\*\?op=power_parameters, 1 request; User name and password of the BMC\. --allow-credential-operation 'GET machines\/\*\?op=power_parameters' opens it\.$/m, 'a guarded one, with what it would open'],
    [record({ access: undefined, error: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', path: '/MAAS/api/2.0/account/', op: 'list_authorisation_tokens' }), /^# Guarded, .*; Lists every API key of the user in full\. It opens only with all others, by --allow-credential-operations\.$/m, 'one that opens with all others'],
    [record({ method: 'POST', path: '/MAAS/api/2.0/tags/' }), /- "POST tags\/" {2}# WRITES; 1 request; /, 'a write that destroys nothing'],
    [record({ method: 'DELETE', path: '/MAAS/api/2.0/tags/green/' }), /- "DELETE tags\/\*" {2}# DANGEROUS: deletes it; /, 'one that does'],
    [record({ client: 'a\nb: c', status: undefined }), /; by a\?b: c; /, 'a client with a line break in its name'],
    [record({ method: 'POST', op: 'unknown', opUnknown: 'its form has more than 1 MiB' }), /Left out: 1 request; its form has more than 1 MiB\.$/m, 'an op that nobody knows'],
    [record({ method: 'POST', op: 'unknown', opUnknown: true }), /Left out: 1 request; the op is not known\.$/m, 'in a log that does not say why'],
    [record({ path: '/MAAS/api/2.0/secret-garden/' }), /Left out: 1 request; MAAS has no such operation\.$/m, 'a path that MAAS does not have, without its text'],
    [record({ access: undefined, error: 'a\u001b[31mb' }), /refused by a\?\[31mb: GET/, 'control characters']
  ]
  for (const [line, wanted, reason] of rows) {
    const { code, stdout } = await learn(t, [line])
    t.equal(code, 0, reason)
    t.match(stdout, wanted, reason)
    t.notMatch(stdout, /abc|secret-garden|blue/, `${reason}: no name of a resource`)
  }
})

t.test('the evidence of a rule is how often, by whom, and when last', async t => {
  const clients = ['d', 'a', 'c', 'b', 'a']
  const { stdout } = await learn(t, [
    record({}), record({ time: LATER, client: 'e' }), ...clients.map(client => record({ client })),
    record({ method: 'POST', path: '/MAAS/api/2.0/tags/', time: undefined })
  ])
  t.equal(stdout, `# The operations of 8 requests, ${SHOWN} to ${SHOWN_LATER}.
allow:
  - "GET machines/?op="  # 7 requests; by a, b, c and 2 more; last ${SHOWN_LATER}
  - "POST tags/"         # WRITES; 1 request
`)
  t.match((await learn(t, [record({ time: undefined })])).stdout, /^# The operations of 1 request\.\n/, 'a log without times')
  const flags = ['--read-only', '--allow-credential-operation', 'GET machines/*?op=power_parameters']
  const today = await learn(t, [record({ method: 'POST', path: '/MAAS/api/2.0/tags/' }), record({ path: '/MAAS/api/2.0/machines/abc/', op: 'power_parameters' })], ...flags)
  t.match(today.stdout, /"POST tags\/" .*; refused by the rules of today$/m, "what today's rules do not allow")
  t.match(today.stdout, /- "GET machines\/\*\?op=power_parameters"/, 'what the guard lets pass has a rule')
  const tag = (name: string) => record({ path: `/MAAS/api/2.0/tags/${name}/` })
  const parameters = (id: string) => record({ path: `/MAAS/api/2.0/machines/${id}/`, op: 'power_parameters' })
  const single = ['--deny', 'GET tags/red', '--allow-credential-operation', 'GET machines/def?op=power_parameters']
  const some = await learn(t, ['blue', 'red', 'green'].map(tag).concat(['abc', 'def'].map(parameters)), ...single)
  t.match(some.stdout, /"GET tags\/\*.* 3 requests; .*; refused by the rules of today$/m, 'although only one of them is, and not the first')
  t.match(some.stdout, /- "GET machines\/\*\?op=power_parameters"/, 'one that the guard lets pass for one machine')
})

t.test('what is not the log of a proxy is an error that says so', async t => {
  const rows: Array<[lines: string[], reason: string]> = [
    [[], 'an empty file'],
    [['12:00:01  GET  /MAAS/api/2.0/machines/  200  signed  3.1 ms'], 'the log for people'],
    [['{"msg":"listening"}', '{"msg":"request"}', '{"msg":"request","method":"GET"}', '"request"', '7', '{'], 'records without a request'],
    [[record({ path: 'machines' }), record({ path: 7 })], 'paths that are none']
  ]
  for (const [lines, reason] of rows) {
    t.match(await learn(t, lines), { code: 2, stdout: '', stderr: /policy learn: ".*log": has no record of a request; it takes a file of --learn, or the log of --log-format json\n/ }, reason)
  }
  t.match(await runHere(['policy', 'learn', '/nonexistent/log']), { code: 2, stderr: /policy learn: "\/nonexistent\/log": there is no such file/ })
  t.match(await runHere(['policy', 'learn', t.testdir({})]), { code: 2, stderr: /it is a directory/ })
  t.match(await runHere(['policy', 'learn']), { code: 2, stderr: /write policy learn FILE\.\.\.\n/ })
})

t.test('a workload passes under the rules that were learned from it, and nothing else does', async t => {
  const requestOf = ({ method, path, op }: KnownOperation) => (
    { method, path: `${API_ROOT}${path.replaceAll(/\{[^}]+\}/g, 'x')}`, op }
  )
  const resourceOf = ({ method, path, op }: KnownOperation) => `${method} ${segmentsOf(path).join('/')} ${op ?? ''}`
  const guard = await policyOf([])
  const known = knownOperations().filter(operation => guard.decide(findOperation(operation.method, requestOf(operation).path, operation.op === null ? [] : [['op', operation.op]], null)).allowed)
  let state = 7
  const random = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit
  for (let round = 0; round < 20; round++) {
    const workload = Array.from({ length: 1 + random(30) }, () => known[random(known.length)] as KnownOperation)
    const lines = workload.map(operation => record({ ...requestOf(operation), op: operation.op ?? undefined }))
    const { stdout } = await learn(t, lines)
    const { allow } = parse(stdout) as { allow: string[] }
    t.equal(new Set(allow).size, allow.length, `round ${round}: no rule twice`)
    const policy = await policyOf(allow)
    const asked = new Set(workload.map(resourceOf))
    for (const operation of known) {
      const { method, path, op } = requestOf(operation)
      const { allowed } = policy.decide(findOperation(method, path, op === null ? [] : [['op', op]], null))
      if (allowed !== asked.has(resourceOf(operation))) t.fail(`round ${round}: ${asRule(operation)} is ${allowed ? 'allowed' : 'refused'}`)
    }
  }
})

/** A recording of requests as the log has them, with the listener of each. */
function recordingOf (requests: ReadonlyArray<readonly [line: string, listener?: string]>): string {
  const recording = new Recording()
  for (const [line, listener = null] of requests) {
    recording.add({ ...readRequestRecord(line) as RequestFacts, listener })
  }
  return formatRecording(recording)
}

const tag = (name: string, fields: object = {}) => record({ path: `/MAAS/api/2.0/tags/${encodeURIComponent(name)}/`, ...fields })
const deploy = (id: string, fields: object = {}) => (
  record({ method: 'POST', path: `/MAAS/api/2.0/machines/${id}/`, op: 'deploy', ...fields })
)

t.test('--exact keeps the names that were always the same', async t => {
  const rows: Array<[lines: string[], wanted: string[], reason: string]> = [
    [[tag('blue'), tag('blue')], ['GET tags/blue?op='], 'one name'],
    [[tag('blue'), tag('red')], ['GET tags/*?op='], 'two'],
    [[tag('blue'), tag('blue', { op: 'machines' }), tag('red', { op: 'machines' })], ['GET tags/*?op=machines', 'GET tags/blue?op='], 'each operation for itself'],
    [[deploy('abc'), deploy('abc')], ['POST machines/*?op=deploy'], 'ids of machines are those of this run'],
    [[tag("a b%?*'")], ['GET tags/*?op='], 'a star, which no rule can have'],
    [[tag('a b%?\'"')], ['GET tags/a%20b%25%3F%27%22?op='], 'characters that a rule or a shell would read'],
    [[record({ path: '/MAAS/api/2.0/subnets/10.0.0.0/24/' })], ['GET subnets/10.0.0.0/24?op='], 'a slash in a name'],
    [[record({ path: '/MAAS/api/2.0/nodes/abc/blockdevices/7/partition/2' })], ['GET nodes/*/blockdevices/7/partitions/2'], 'several names'],
    [[record({ path: `/MAAS/api/2.0/tags/${'x'.repeat(300)}/` })], ['GET tags/*?op='], 'a name that is too long']
  ]
  for (const [lines, wanted, reason] of rows) {
    const { allow } = parse((await learn(t, lines, '--exact')).stdout) as { allow: string[] }
    t.strictSame(allow, wanted, reason)
    const policy = await policyOf(allow)
    for (const line of lines) t.ok(policy.decide((readRequestRecord(line) as RequestFacts).operation as Operation).allowed, `${reason}: the request passes`)
  }
})

t.test('--by-client writes the rules of each client, --flags writes flags', async t => {
  const lines = [tag('blue', { client: 'ci' }), deploy('abc', { client: 'ci' }), tag('red', { client: 'a: "b"' }), tag('green'), record({ client: 'snoop', op: 'power_parameters', path: '/MAAS/api/2.0/machines/x/', access: undefined, error: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED' })]
  const { stdout } = await learn(t, lines, '--by-client')
  t.strictSame(parse(stdout), { clients: [{ name: 'a: "b"', allow: ['GET tags/*?op='] }, { name: 'ci', allow: ['GET tags/*?op=', 'POST machines/*?op=deploy'] }] }, 'whoever has a name and needs a rule')
  t.match(stdout, /^# Of clients without a name, so in no section: GET tags\/\*\?op=; 1 request; last .*\.$/m)
  t.match((await learn(t, [tag('green')], '--by-client')).stdout, /^# No client with a name needs a rule\.$/m)
  const flags = await learn(t, [tag('blue'), deploy('abc')], '--flags', '--exact')
  t.equal(flags.stdout, `# The operations of 2 requests, ${SHOWN} to ${SHOWN}.
# GET tags/blue?op=: 1 request; last ${SHOWN}
# POST machines/*?op=deploy: DANGEROUS: overwrites disks; 1 request; last ${SHOWN}
--allow 'GET tags/blue?op=' \\
--allow 'POST machines/*?op=deploy'
`)
})

t.test('files of both kinds are read together, and each listener of several has its own rules', async t => {
  const [at, elsewhere] = ['http://127.0.0.1:5241', 'http://127.0.0.1:5242']
  const dir = t.testdir({
    recording: recordingOf([[tag('blue'), at], [deploy('abc', { client: 'ci' }), elsewhere], [record({}), 'unix:/gone'], [record({ path: '/MAAS/api/2.0/zones/' }), elsewhere]]),
    log: `${tag('blue')}\n${tag('red')}\n`,
    empty: recordingOf([]),
    older: recordingOf([[tag('blue'), at]]).replace('"route":"tags/{name}/"', '"route":"flying/{id}/"'),
    late: recordingOf([[tag('blue', { time: LATER })], [tag('blue')], [tag('blue', { time: undefined, status: 404 })]]),
    'both.yaml': 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: [127.0.0.1:5241, unix:/gone]\n  - listen: 127.0.0.1:5242\n',
    'two.yaml': 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5241\n    read-only: true\n  - listen: 127.0.0.1:5242\n    allow: GET zones/\n'
  })
  const both = await runHere(['policy', 'learn', `${dir}/recording`, `${dir}/log`, `${dir}/empty`])
  t.match(both.stdout, /"GET tags\/\*\?op=" +# 3 requests; /, 'counts add up')
  t.match((await runHere(['policy', 'learn', `${dir}/older`, `${dir}/log`])).stdout, /"GET tags\/\*\?op=" +# 2 requests; [^]*\n# Left out: 1 request; MAAS has no such operation\.\n$/, 'an operation that another version has recorded')
  t.match((await runHere(['policy', 'learn', `${dir}/late`])).stdout, new RegExp(`^# The operations of 3 requests, ${SHOWN} to ${SHOWN_LATER}\\.\n`), 'in the order of their times')
  const single = await runHere(['policy', 'learn', `${dir}/older`, `${dir}/recording`, '--config', `${dir}/both.yaml`])
  t.notMatch(single.stdout, /At an address/, 'all at addresses that are there')
  const two = await runHere(['policy', 'learn', `${dir}/recording`, '--config', `${dir}/two.yaml`])
  t.strictSame(parse(two.stdout), { listeners: [{ listen: ['127.0.0.1:5241'], allow: ['GET tags/*?op='] }, { listen: ['127.0.0.1:5242'], allow: ['GET zones/', 'POST machines/*?op=deploy'] }] }, 'it is the list of the configuration file')
  t.match(two.stdout, /^ {6}- "POST machines\/\*\?op=deploy" .*; refused by the rules of today$/m)
  t.match(two.stdout, /^# At an address that none of these listeners has:\n# allow:\n# {3}- "GET machines\/\?op="/m)
  const rows: Array<[argv: string[], wanted: RegExp, reason: string]> = [
    [['learn', `${dir}/empty`], /policy learn: nothing is recorded yet/, 'an empty recording'],
    [['learn', `${dir}/log`, '--flags', '--config', `${dir}/two.yaml`], /--flags: several listeners need a configuration file/, 'flags for two'],
    [['learn', `${dir}/log`, '--flags', '--by-client'], /--by-client and --flags: flags hold for all clients/, 'flags for one client'],
    [['learn', `${dir}/log`, '--recording', `${dir}/log`], /--recording: is for policy test and policy unused/, 'a flag of another task'],
    [['list', '--exact'], /--exact, --by-client, --flags: are for policy learn/, 'flags of this one'],
    [['unused'], /policy: write policy unused --recording FILE/, 'no recording'],
    [['test', '--recording'], /--recording: needs a value/, 'no value'],
    [['test', '--recording', '--read-only'], /--recording: needs a value/, 'a flag for a value'],
    [['diff', `${dir}/two.yaml`, `${dir}/two.yaml`, '--read-only'], /policy diff: takes two configuration files and no settings/, 'settings beside files']
  ]
  for (const [argv, wanted, reason] of rows) t.match(await runHere(['policy', ...argv]), { code: 2, stdout: '', stderr: wanted }, reason)
  t.match(await runHere(['check', '--exact']), { code: 2, stderr: /--exact: is no flag of check; policy has it/ })
})

t.test('policy test --recording says whether the work still fits the rules', async t => {
  const refused = { access: undefined, error: 'MAAS_PROXY_RULE_REFUSED', status: 403 }
  const at = 'http://127.0.0.1:5241'
  const dir = t.testdir({
    work: recordingOf([[tag('blue', { client: 'ci' }), at], [tag('red', { client: 'ci' }), at], [deploy('abc'), at], [deploy('abc', refused)], [record({ path: '/MAAS/api/2.0/nope/' })]]),
    'two.yaml': 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5241\n    read-only: true\n  - listen: 127.0.0.1:5242\n',
    'other.yaml': 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5243\n    read-only: true\n  - listen: 127.0.0.1:5244\n'
  })
  const test = async (...argv: string[]) => await runHere(['policy', 'test', '--recording', `${dir}/work`, ...argv])
  t.same(await test('--allow', 'GET tags/*', '--allow', 'POST machines/*?op=deploy'), {
    code: 0,
    stderr: '',
    stdout: `allowed: POST machines/{system_id}/?op=deploy (1 request)
  by --allow "POST machines/*?op=deploy"
allowed: GET tags/{name}/ (2 requests by ci)
  by --allow "GET tags/*"
2 of 2 operations that were asked for are allowed
  left out: 1 request; refused by MAAS_PROXY_RULE_REFUSED: POST machines/*?op=deploy
  left out: 1 request; MAAS has no such operation
`
  })
  const rows: Array<[flags: string[], code: number, wanted: RegExp, reason: string]> = [
    [['--allow', 'GET tags/*'], 1, /^refused: POST machines\/\{system_id\}\/\?op=deploy \(1 request\)\n {2}by no --allow rule that means it\n {2}allow it with --allow "POST machines\/\*\?op=deploy"\n[^]*\n1 of 2 operations/, 'one without a rule, and the rule'],
    [['--allow', 'GET tags/*', '--policy-mode', 'warn'], 1, /^refused: POST/, 'rules that only warn, before they are switched on'],
    [['--allow', 'GET tags/blue', '--allow', 'POST machines/*'], 1, /refused: GET tags\/\{name\}\/[^]*but for names that rules mention; the recording does not keep each name\n1 of 2/, 'a rule for one name of two'],
    [['--deny', 'GET tags/green'], 0, /allowed: GET tags\/\{name\}\/[^]*but for names that rules mention/, 'a rule against one that may be among them'],
    [['--config', `${dir}/two.yaml`], 1, /^refused: POST [^]*by --read-only\n/, 'the rules of the listener that it was recorded at'],
    [['--config', `${dir}/other.yaml`], 0, /^allowed: POST /, 'those of any, where none has that address']
  ]
  for (const [flags, code, wanted, reason] of rows) t.match(await test(...flags), { code, stdout: wanted }, reason)
  t.match(await runHere(['policy', 'test', '--recording', `${dir}/two.yaml`]), { code: 2, stderr: /--recording: ".*two\.yaml": has no record of a request/ })
})

t.test('rules of clients count for their own requests', async t => {
  const base = 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5241\n'
  const dir = t.testdir({ work: recordingOf([[tag('blue', { client: 'ci' })], [deploy('abc', { client: 'ci' })], [tag('red', { client: 'alice' })]]), tokens: 'ci 0123456789abcdef0123456789abcdef\nalice fedcba9876543210fedcba9876543210\n' })
  chmodSync(`${dir}/tokens`, 0o600)
  const write = (name: string, rest: string) => {
    writeFileSync(`${dir}/${name}`, `${base}client-token-file: ${dir}/tokens\n${rest}`)
    return `${dir}/${name}`
  }
  const narrow = write('narrow.yaml', 'clients:\n  - name: ci\n    allow: [GET tags/*, GET zones/]\n')
  const test = await runHere(['policy', 'test', '--recording', `${dir}/work`, '--config', narrow])
  t.match(test, { code: 1, stdout: /^refused: POST machines\/\{system_id\}\/\?op=deploy \(1 request by ci\)\n[^]*allowed: GET tags\/\{name\}\/ \(1 request by alice\)[^]*\n2 of 3 operations/ })
  t.match((await runHere(['policy', 'learn', `${dir}/work`, '--config', narrow])).stdout, /"POST machines\/\*\?op=deploy" .*; refused by the rules of today$/m)
  t.match(await runHere(['policy', 'unused', '--recording', `${dir}/work`, '--config', narrow]), { code: 0, stdout: 'allow "GET zones/" of the client ci\n1 of 2 rules mean nothing that was asked for\n' })
  for (const task of [['unused', '--recording', `${dir}/work`], ['test', '--recording', `${dir}/work`], ['learn', `${dir}/work`]]) {
    t.match(await runHere(['policy', ...task, '--client', 'ci']), { code: 2, stderr: /--client: is for policy list, and for policy test of one operation/ })
  }

  const { stdout } = await runHere(['policy', 'learn', '--by-client', `${dir}/work`])
  const learned = write('learned.yaml', stdout)
  t.match(await runHere(['policy', 'test', '--recording', `${dir}/work`, '--config', learned]), { code: 0 }, 'the learned sections are a part of the file as they are')
  t.match(await runHere(['policy', 'test', '--client', 'alice', 'POST machines/abc?op=deploy', '--config', learned]), { code: 1 }, 'and one client may not do what only another did')
  t.match((await runHere(['policy', 'diff', narrow, learned])).stdout, /narrow\.yaml alone allows the client alice \d{3} operations:\n/, 'a client without rules of its own may do what the listener allows')
  const wider = write('wider.yaml', 'allow: GET zones/\nclients:\n  - name: ci\n    allow: [GET zones/]\n')
  const widest = write('widest.yaml', 'allow: [GET zones/, GET tags/*]\nclients:\n  - name: ci\n    allow: [GET zones/, GET tags/*?op=]\n  - name: bob\n    token-sha256: ' + 'a'.repeat(64) + '\n')
  const { stdout: diff } = await runHere(['policy', 'diff', wider, widest])
  t.match(diff, /^\S+widest\.yaml alone allows 6 operations:\n(?: {2}GET tags\/\S+\n){6}\S+widest\.yaml alone allows the client bob 1 operation:\n {2}GET zones\/\n$/, 'what the listener opens is listed once, and what a new client gets beside it')
})

t.test('policy unused lists the rules that nothing used', async t => {
  const older = recordingOf([[tag('blue')]]).replace('"route":"tags/{name}/"', '"route":"flying/{id}/"')
  t.match(await runHere(['policy', 'unused', '--recording', `${t.testdir({ older })}/older`, '--allow', 'GET tags/*']), { code: 0, stdout: /^--allow "GET tags\/\*"\n/ }, 'an operation that this version does not know')
  const dir = t.testdir({ work: recordingOf([[tag('blue')], [tag('red', { op: 'machines' })], [tag('green', { op: 'machines' })], [record({ path: '/MAAS/api/2.0/nope/' })]]), 'two.yaml': 'maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5241\n    allow: GET tags/*\n  - listen: 127.0.0.1:5242\n    deny: GET zones/\n' })
  const used = ['GET tags/**', 'GET tags/*', 'GET tags/blue', 'GET tags/purple?op=machines']
  const unused = ['GET tags/purple?op=', 'GET zones/', 'POST tags/']
  const flags = [...used, ...unused].flatMap(rule => ['--allow', rule])
  const { code, stdout } = await runHere(['policy', 'unused', '--recording', `${dir}/work`, ...flags, '--deny', 'DELETE **', '--allow-credential-operation', 'GET machines/*?op=power_parameters'])
  t.equal(code, 0)
  t.match((await runHere(['policy', 'unused', '--recording', `${dir}/work`, '--config', `${dir}/two.yaml`])).stdout, /^http:\/\/127\.0\.0\.1:5241:\n0 of 1 rule mean [^]*\nhttp:\/\/127\.0\.0\.1:5242:\n--deny "GET zones\/"\n1 of 1 rule mean/, 'for each listener')
  t.equal(stdout, `--allow-credential-operation "GET machines/*?op=power_parameters"
--deny "DELETE **"
${unused.map(rule => `--allow ${JSON.stringify(rule)}\n`).join('')}5 of 9 rules mean nothing that was asked for
`, 'one for a name that may be among them is not listed')
})

t.test('policy diff lists what only one of two configurations allows', async t => {
  const config = (rules: string) => `maas-url: http://127.0.0.1:9/MAAS\napi-key: a:b:c\nlisteners:\n  - listen: 127.0.0.1:5241\n    ${rules}\n`
  const dir = t.testdir({
    'a.yaml': config('allow: [GET tags/*, POST tags/]'),
    'b.yaml': config('allow: [GET tags/blue, "* zones/"]'),
    'c.yaml': `${config('allow: GET tags/blue')}  - listen: 127.0.0.1:5242\n    allow: ["* zones/"]\n`
  })
  const diff = async (one: string, other: string) => await runHere(['policy', 'diff', `${dir}/${one}.yaml`, `${dir}/${other}.yaml`])
  const only = `${dir}/a.yaml alone allows 7 operations:
  POST tags/
  GET tags/{name}/
  GET tags/{name}/?op=devices
  GET tags/{name}/?op=machines
  GET tags/{name}/?op=nodes
  GET tags/{name}/?op=rack_controllers
  GET tags/{name}/?op=region_controllers
`
  const { code, stdout } = await diff('a', 'b')
  t.equal(code, 1)
  t.equal(stdout, `${only}${dir}/b.yaml alone allows 2 operations:\n  GET zones/\n  POST zones/\n`)
  t.match(await diff('b', 'c'), { code: 0, stdout: /b\.yaml and .*c\.yaml allow the same operations\n$/ }, 'rules on two listeners are those of one')
})

t.test('the log that a proxy writes is read, from stdin too', async t => {
  const upstream = await rawUpstream(t, socket => { socket.write(OK) })
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  await exchange(proxy.port, get('/MAAS/api/2.0/machines/?op=list_allocated&token=HIDDEN'))
  await proxy.logged(({ msg }) => msg === 'request')
  const log = proxy.log.map(entry => JSON.stringify(entry)).join('\n')
  const program = startCommand(t, [...PROGRAM, 'policy', 'learn', '-'])
  program.child.stdin.end(log)
  t.equal(await program.ended, 0, program.stderr())
  t.match(program.stdout(), /^ {2}- "GET machines\/\?op=list_allocated" /m)
  t.notMatch(program.stdout(), 'HIDDEN')
})
