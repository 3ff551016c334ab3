import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { findOperation } from '../../src/maas/operations.ts'
import { asRule, knownOperations, type KnownOperation } from '../../src/policy/catalogue.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { API_ROOT, segmentsOf } from '../../src/policy/segments.ts'
import { loadPolicies } from '../../src/settings/load.ts'
import { PROGRAM, runHere, startCommand } from '../helper/process.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, OK, rawUpstream } from '../helper/sockets.ts'

const TIME = '2026-11-27T05:00:00.000Z'
const LATER = '2026-11-28T05:00:00.000Z'

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
    [record({}), /^allow:\n {2}- "GET machines\/\?op=" {2}# 1 request; last 2026-11-27T05:00:00\.000Z$/m, 'a plain read, which is not the other operations of its path'],
    [record({ op: 'is_registered' }), /- "GET machines\/\?op=is_registered"/, 'with an op'],
    [record({ method: 'HEAD' }), /- "GET machines\/\?op=" /, 'a HEAD is the GET without a body'],
    [record({ method: 'POST', path: '/MAAS/api/2.0/machines/abc/', op: 'deploy', client: 'ci' }), /- "POST machines\/\*\?op=deploy" {2}# WRITES; 1 request; by ci; /, 'a write, with its client and without its id'],
    [record({ method: 'POST', path: '/MAAS/api/2.0/machines/abc/op-deploy' }), /- "POST machines\/\*\?op=deploy"/, 'an op in the path'],
    [record({ path: '/MAAS//api/2.0/machines//abc/' }), /- "GET machines\/\*\?op="/, 'double slashes'],
    [record({ path: '/MAAS/api/2.0/%6dachines/' }), /- "GET machines\/\?op="/, 'an escape'],
    [`Nov 27 05:00:00 host maas-auth-proxy[7]: ${record({})}`, /- "GET machines\/\?op="/, 'a line of the journal'],
    [record({ access: 'anonymous', path: '/MAAS/api/2.0/version/' }), /- "GET version\/"/, 'an unsigned one needs a rule too'],
    [record({ error: 'MAAS_PROXY_UPSTREAM_CLOSED', status: 502 }), /- "GET machines\/\?op="/, 'one that MAAS did not answer was asked for all the same'],
    [record({ access: undefined, error: 'MAAS_PROXY_RULE_REFUSED', status: 403, method: 'DELETE', path: '/MAAS/api/2.0/tags/blue/' }), /^# No rule is needed[^]*# Left out: 1 request; refused by MAAS_PROXY_RULE_REFUSED: DELETE tags\/\*\.$/m, 'a refused one is named, and needs none'],
    [record({ access: undefined, error: 'MAAS_PROXY_PATH_UNSERVED', status: 404, path: '/MAAS/r/' }), /Left out: 1 request; refused by MAAS_PROXY_PATH_UNSERVED\.$/m, 'one outside of the API'],
    [record({ access: undefined, error: 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', path: '/MAAS/api/2.0/machines/abc/', op: 'power_parameters' }), /^# Guarded, so it has no rule: GET machines\/\*\?op=power_parameters, 1 request; --allow-credential-operation opens it\.$/m, 'a guarded one'],
    [record({ method: 'POST', op: 'unknown', opUnknown: 'its form has more than 1 MiB' }), /Left out: 1 request; the op is not known\.$/m, 'an op that nobody knows'],
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
  t.equal(stdout, `# The operations of 8 requests, ${TIME} to ${LATER}.
allow:
  - "GET machines/?op="  # 7 requests; by a, b, c and 2 more; last ${LATER}
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
    t.match(await learn(t, lines), { code: 2, stdout: '', stderr: /policy learn: ".*log": has no record of a request; it takes the log of the proxy, of --log-format json\n/ }, reason)
  }
  t.match(await runHere(['policy', 'learn', '/nonexistent/log']), { code: 2, stderr: /policy learn: "\/nonexistent\/log": there is no such file/ })
  t.match(await runHere(['policy', 'learn', t.testdir({})]), { code: 2, stderr: /it is a directory/ })
  t.match(await runHere(['policy', 'learn']), { code: 2, stderr: /write policy list, or policy test .*, or policy learn LOG/ })
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
