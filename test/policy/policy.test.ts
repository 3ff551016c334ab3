import t from 'tap'
import { readFileSync } from 'node:fs'
import { findFormOp, formKind, formOpReader } from '../../src/admit/form-op.ts'
import { findOperation } from '../../src/maas/operations.ts'
import { parseQuery } from '../../src/maas/query.ts'
import { asRule, knownOperations, operationsOf } from '../../src/policy/catalogue.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { parseRule } from '../../src/policy/rule.ts'
import { segmentsOf } from '../../src/policy/segments.ts'
import { loadPolicies } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'

/** What a policy says of a request: allowed, or by which code it is refused. */
function decide (policy: Policy, method: string, target: string, formOp: string | null = null): string {
  const [path = '', query = ''] = target.split('?')
  const verdict = policy.decide(findOperation(method, `/MAAS/api/2.0/${path}`, parseQuery(query), formOp))
  return verdict.allowed ? 'allowed' : verdict.code.replace('MAAS_PROXY_', '')
}

async function loadPolicy (flags: Flags): Promise<Policy> {
  const [listener] = await loadPolicies(flags, {})
  return listener?.policy as Policy
}

t.test('rules are parsed strictly', async t => {
  const refused: Array<[text: string, wanted: RegExp]> = [
    ['', /write METHOD/], ['GET', /write METHOD/], ['machines/**', /write METHOD/], ['GET  ?op=x', /write METHOD/], ['GET a b', /write METHOD/],
    ['get machines/', /"get" is not one of GET, POST, PUT, DELETE or \*/], ['GET,PATCH machines/', /"PATCH" is not/], ['GET, machines/', /"" is not/],
    ['GET /MAAS/api/2.0/machines/', /starts without a slash/], ['GET machines/?name=x', /op=NAME and nothing else/], ['GET machines/?op=a&op=b', /nothing else/], ['GET machines/?', /nothing else/],
    ['GET machines/a*', /a star stands for a whole segment/], ['GET **/x', /a star stands/], ['GET machines/***', /a star stands/], ['GET tags/%zz', /a malformed percent-escape/],
    ['GET ./machines/', /a path with \. or \.\. as a segment never gets to MAAS/], ['GET machines/../tags/', /never gets to MAAS/], ['GET tags/%2E%2e', /never gets to MAAS/]
  ]
  for (const [text, wanted] of refused) t.throws(() => parseRule(text), wanted, text)
  t.match(parseRule('  GET,POST tags/a%20b?op=nodes '), { text: 'GET,POST tags/a%20b?op=nodes', methods: ['GET', 'POST'], segments: ['tags', 'a b'], open: false, op: 'nodes' })
  t.strictSame(parseRule('* **'), { text: '* **', methods: null, segments: [], open: true, op: null })
})

t.test('paths are split into segments as by the routes of MAAS', async t => {
  const rows: Array<[path: string, wanted: string[], reason: string]> = [
    ['machines/', ['machines'], 'a slash at the end is none'],
    ['machines', ['machines'], 'nor is its lack'],
    ['files/a/b/c/', ['files', 'a/b/c'], 'a file name may have slashes'],
    ['subnets/10.0.0.0/24/', ['subnets', '10.0.0.0/24'], 'and so may a CIDR'],
    ['nodes/x/blockdevices/1/partition/2', ['nodes', 'x', 'blockdevices', '1', 'partitions', '2'], 'a singular that MAAS takes'],
    ['nodes/x/volume-group/2/', ['nodes', 'x', 'volume-groups', '2'], 'another'],
    ['tags/partition/', ['tags', 'partition'], 'but not where it is a name'],
    ['nodes/constructor/', ['nodes', 'constructor'], 'a name that is a property of every object'],
    ['pods/1/', ['vm-hosts', '1'], 'an old name'],
    ['', [], 'the root']
  ]
  for (const [path, wanted, reason] of rows) t.strictSame(segmentsOf(path), wanted, reason)
})

t.test('deny rules win over allow rules, and one allow rule closes everything else', async t => {
  const rules = (flags: Record<string, string[]>) => loadPolicy(flags)
  const open = await rules({})
  const reader = await rules({ allow: ['GET machines/**'] })
  const deployer = await rules({ allow: ['GET machines/**', 'POST machines/*?op=deploy', 'POST machines/?op=allocate', 'GET files/*'], deny: ['GET machines/*?op=details', '* machines/precious'] })
  const creator = await rules({ allow: ['POST machines/?op='] })
  const noDelete = await rules({ deny: ['DELETE **', 'POST nodes/*/blockdevices/*/partitions/*', 'GET files/*'] })
  const readOnly = await rules({ readOnly: ['true'] })
  const dotted = await rules({ deny: ['GET tags/a.b', 'GET zones/a+b'] })
  const rows: Array<[policy: Policy, method: string, target: string, wanted: string, reason: string]> = [
    [open, 'DELETE', 'machines/abc/', 'allowed', 'without rules everything is'],
    [open, 'POST', 'no/such/', 'allowed', 'MAAS says 404, not we'],
    [reader, 'GET', 'machines/', 'allowed', 'two stars mean the beginning too'],
    [reader, 'GET', 'machines/abc/', 'allowed', 'and what is below'],
    [reader, 'HEAD', 'machines/abc/', 'allowed', 'HEAD is a GET'],
    [reader, 'GET', 'machines/?op=list_allocated', 'allowed', 'without op any is meant'],
    [reader, 'POST', 'machines/', 'RULE_REFUSED', 'another method'],
    [reader, 'OPTIONS', 'machines/', 'RULE_REFUSED', 'a method no rule names'],
    [reader, 'GET', 'machinesx/', 'RULE_REFUSED', 'a segment is a whole one'],
    [reader, 'GET', 'tags/', 'RULE_REFUSED', 'another resource'],
    [reader, 'GET', 'machines/abc/?op=power_parameters', 'CREDENTIAL_OPERATION_REFUSED', 'the guard does not ask the rules'],
    [deployer, 'POST', 'machines/abc/?op=deploy', 'allowed', 'the op of the rule'],
    [deployer, 'POST', 'machines/abc/op-deploy', 'allowed', 'by its own path'],
    [deployer, 'POST', 'machines/abc/?op=deploy&op=release', 'RULE_REFUSED', 'the last op decides'],
    [deployer, 'POST', 'machines/abc/?op=deploy&op=', 'RULE_REFUSED', 'an empty last one is none'],
    [deployer, 'POST', 'machines/abc/?op=%64eploy', 'allowed', 'escaped'],
    [deployer, 'POST', 'machines/abc/op-release?op=deploy', 'allowed', 'the query beats the path, as in MAAS'],
    [deployer, 'POST', 'machines/abc/op-deploy?op=release', 'RULE_REFUSED', 'the other way round'],
    [deployer, 'POST', 'machines/abc/?OP=deploy', 'RULE_REFUSED', 'op is case-sensitive'],
    [deployer, 'POST', 'machines/', 'RULE_REFUSED', 'not the op of the rule'],
    [deployer, 'POST', 'machines/abc/x/?op=deploy', 'RULE_REFUSED', 'what is below is another resource'],
    [deployer, 'GET', 'machines/abc/?op=details', 'RULE_REFUSED', 'denied'],
    [deployer, 'GET', 'machines/precious/', 'RULE_REFUSED', 'denied by name'],
    [deployer, 'POST', 'machines/precious/?op=deploy', 'RULE_REFUSED', 'with every method and op'],
    [deployer, 'GET', 'files/a/b/', 'allowed', 'one star means a name with slashes'],
    [creator, 'POST', 'machines/', 'allowed', 'an empty op is the plain method'],
    [creator, 'POST', 'machines/?op=allocate', 'RULE_REFUSED', 'and no other'],
    [noDelete, 'DELETE', 'machines/abc/', 'RULE_REFUSED', 'everywhere'],
    [noDelete, 'POST', 'nodes/x/blockdevices/1/partition/2?op=format', 'RULE_REFUSED', 'in the singular too'],
    [noDelete, 'GET', 'files/a/b/c/', 'RULE_REFUSED', 'and a slash in the name is no way round'],
    [noDelete, 'GET', 'machines/', 'allowed', 'the rest is'],
    [dotted, 'GET', 'tags/a.b/', 'RULE_REFUSED', 'a dot'],
    [dotted, 'GET', 'tags/axb/', 'allowed', 'is a dot and no other character'],
    [dotted, 'GET', 'tags/a.b.c/', 'allowed', 'and a rule means a name as a whole'],
    [dotted, 'GET', 'zones/a+b/', 'RULE_REFUSED', 'a plus'],
    [dotted, 'GET', 'zones/aab/', 'allowed', 'repeats nothing'],
    [await rules({ deny: ['POST vm-hosts/*?op=compose'] }), 'POST', 'pods/1/?op=compose', 'RULE_REFUSED', 'the old name of a resource is its name too'],
    [await rules({ deny: ['POST pods/*?op=compose'] }), 'POST', 'vm-hosts/1/?op=compose', 'RULE_REFUSED', 'and the other way round'],
    [await rules({ deny: ['GET scripts/*'] }), 'GET', 'scripts/op-foo', 'RULE_REFUSED', 'a resource whose name looks like an operation'],
    [readOnly, 'GET', 'machines/', 'allowed', 'a read'],
    [readOnly, 'HEAD', 'machines/', 'allowed', 'a read without the body'],
    [readOnly, 'POST', 'machines/?op=allocate', 'WRITE_REFUSED', 'a write'],
    [readOnly, 'PATCH', 'machines/', 'WRITE_REFUSED', 'any method that is none'],
    [readOnly, 'GET', 'machines/abc/?op=query_power_state', 'WRITE_REFUSED', 'a read with an effect'],
    [readOnly, 'GET', 'rackcontrollers/abc/op-query_power_state', 'WRITE_REFUSED', 'by its own path'],
    [open, 'GET', 'machines/abc/?op=query_power_state', 'allowed', 'which is one only then'],
    [readOnly, 'GET', 'machines/abc/?op=get_curtin_config', 'CREDENTIAL_OPERATION_REFUSED', 'the guard is there in this mode too']
  ]
  for (const [policy, method, target, wanted, reason] of rows) t.equal(decide(policy, method, target), wanted, `${method} ${target}: ${reason}`)
  const beyond = (policy: Policy) => policy.decide({ method: 'GET', path: '/MAAS/api/docs/', op: null, fromPath: false }).allowed
  t.strictSame([beyond(open), beyond(reader), beyond(await rules({ allow: ['* **'] }))], [true, false, true], 'what is not below the root is known to no rule but the one for all')
  for (const rule of ['GET */*/*', 'GET */*/*/*', 'GET */*/**']) t.equal(beyond(await rules({ allow: [rule] })), false, `${rule}: nor do stars for segments mean it`)
})

t.test('operations that hand out credentials are refused in every spelling and mode', async t => {
  const rows = JSON.parse(readFileSync(new URL('../../config/credential-operations.json', import.meta.url), 'utf8')) as Array<{ rule: string, reason: string }>
  const modes: Array<[flags: Record<string, string[]>, reason: string]> = [[{}, 'alone'], [{ readOnly: ['true'] }, 'read-only'], [{ policyMode: ['warn'] }, 'warn'], [{ allow: ['* **'] }, 'everything allowed']]
  for (const { rule, reason } of rows) {
    t.ok(operationsOf(parseRule(rule)).length > 0, `${rule} means something`)
    t.ok(reason.length > 10, 'and has a reason')
    for (const { method, path, op } of operationsOf(parseRule(rule))) {
      const resource = path.replaceAll(/\{[^}]+\}/g, 'abc')
      const spellings: Array<[target: string, formOp: string | null]> = op === null
        ? [[resource, null]]
        : [[`${resource}?op=${op}`, null], [`${resource}?op=x&op=${op}`, null], [`${resource}?%6fp=%${op.charCodeAt(0).toString(16)}${op.slice(1)}`, null], [`${resource}op-${op}`, null], ...method === 'POST' ? [[resource, op], [`${resource}?op=`, op]] as Array<[string, string]> : []]
      for (const [flags, mode] of modes) {
        for (const [target, formOp] of spellings) t.equal(decide(await loadPolicy(flags), method, target, formOp), 'CREDENTIAL_OPERATION_REFUSED', `${mode}: ${method} ${target} ${formOp ?? ''}`)
      }
      t.equal(decide(await loadPolicy({ allowCredentialOperations: ['true'] }), method, `${resource}${op === null ? '' : `?op=${op}`}`), 'allowed', 'unless that is asked for')
    }
  }
  for (const near of ['account/?op=list', 'machines/abc/?op=details', 'account/prefs/sshkeys/', 'license-keysx/', 'pods/1/', 'users/', 'groups/1/', 'agents/a/services/dhcp/']) t.equal(decide(await loadPolicy({}), 'GET', near), 'allowed', near)
})

t.test('a rule means exactly the known operations that match it', async t => {
  const rows: Array<[rule: string, wanted: string[], reason: string]> = [
    ['GET version/', ['GET version/'], 'one'],
    ['* version/', ['GET version/'], 'any method is that which there is'],
    ['PUT version/', [], 'a method that is not there'],
    ['GET,PUT zones/', ['GET zones/'], 'of two methods'],
    ['POST tags/*?op=rebuild', ['POST tags/*?op=rebuild'], 'an op'],
    ['POST tags/*', ['POST tags/*?op=rebuild', 'POST tags/*?op=update_nodes'], 'every op'],
    ['POST tags/*?op=', [], 'the plain method, where there are only ops'],
    ['* tags/*?op=', ['DELETE tags/*', 'GET tags/*', 'PUT tags/*'], 'and where there is one'],
    ['* zones/**', ['GET zones/', 'POST zones/', 'DELETE zones/*', 'GET zones/*', 'PUT zones/*'], 'two stars are the beginning and what is below'],
    ['* version/**', ['GET version/'], 'or the beginning alone'],
    ['* version/x/**', [], 'but nothing shorter'],
    ['* version/x', [], 'what is longer than all there is'],
    ['GET events', ['GET events/?op=query'], 'the slash at the end makes no difference'],
    ['GET */?op=query', ['GET events/?op=query'], 'a star is a name as well as a parameter'],
    ['GET zones/lab', ['GET zones/*'], 'one value of a parameter'],
    ['GET zone/lab', [], 'a name is no parameter']
  ]
  for (const [rule, wanted, reason] of rows) t.strictSame(operationsOf(parseRule(rule)).map(asRule), wanted, `${rule}: ${reason}`)
})

t.test('every known operation can be written as a rule', async t => {
  t.ok(knownOperations().length > 400)
  for (const operation of knownOperations()) {
    t.ok(operationsOf(parseRule(asRule(operation))).includes(operation), asRule(operation))
  }
})

t.test('a policy says whether its decision depends on the op', async t => {
  const depends = async (flags: Flags, path: string) => (
    (await loadPolicy(flags)).dependsOnOp(findOperation('POST', `/MAAS/api/2.0/${path}`, [], null))
  )
  const rows: Array<[flags: Record<string, string[]>, path: string, wanted: boolean, reason: string]> = [
    [{}, 'account/', true, 'the guard has ops there'],
    [{}, 'machines/', false, 'but not there'],
    [{ deny: ['POST machines/**'] }, 'machines/', false, 'a rule for any op needs none'],
    [{ allow: ['POST machines/?op='] }, 'machines/', true, 'one for none does'],
    [{ readOnly: ['true'] }, 'account/', false, 'where all writes are refused it does not matter'],
    [{ deny: ['POST scripts/*?op=revert'] }, 'scripts/op-backup', true, 'a script whose name looks like an operation'],
    [{ deny: ['POST tags/*?op=rebuild'] }, 'tags/op-backup', true, 'the less likely reading counts too'],
    [{}, 'users/', false, 'the guard refuses every operation there'],
    [{ allowCredentialOperation: ['POST users/'] }, 'users/', true, 'but opens the plain method only']
  ]
  for (const [flags, path, wanted, reason] of rows) t.equal(await depends(flags, path), wanted, `${path}: ${reason}`)
})

/*
 * The attack: a resource may be called `op-NAME`, and a path that ends in `/op-NAME` may be an operation. MAAS has such
 * paths for routes with a slash at their end only. A guard that takes the other reading for granted lets through
 * `GET scripts/op-backup?op=download` where scripts are denied.
 */
t.test('a refusal names the rule that allows exactly the operation that was asked for', async t => {
  const requestOf = ({ method, path, op }: { method: string, path: string, op: string | null }) =>
    findOperation(method, `/MAAS/api/2.0/${path.replaceAll(/\{[^}]+\}/g, 'x')}`, op === null ? [] : [['op', op]], null)
  const closed = await loadPolicy({ allow: ['GET version/'] })
  const requests = knownOperations().map(requestOf)
  let named = 0
  for (const operation of requests) {
    const verdict = closed.decide(operation)
    if (verdict.allowed || verdict.code !== 'MAAS_PROXY_RULE_REFUSED') continue
    const { remedy } = verdict
    const missingRule = String(verdict.missingRule)
    t.equal(remedy, `allow it with --allow ${JSON.stringify(missingRule)}`)
    const { method, path, op } = operation
    const text = `${method} ${path} ${op ?? ''}: ${missingRule}`
    const opened = await loadPolicy({ allow: [missingRule] })
    // Two names of a resource, such as pods and vm-hosts, are one operation.
    const passing = requests.filter(other => opened.decide(other).allowed)
    t.ok(passing.includes(operation), `${text}: allows it`)
    t.strictSame([...new Set(passing.map(({ method, op }) => `${method} ${op ?? ''}`))], [`${method} ${op ?? ''}`], `${text}: and no other operation`)
    t.equal(new Set(passing.map(({ path }) => segmentsOf(path.replace('/MAAS/api/2.0/', '')).join('/'))).size, 1, `${text}: of no other resource`)
    named++
  }
  t.ok(named > 300, `${named} operations`)
  const rows: Array<[method: string, target: string, rule: string | null, reason: string]> = [
    ['HEAD', 'machines/', 'GET machines/?op=', 'a HEAD is the GET without a body'],
    ['POST', 'machines/abc/op-deploy', 'POST machines/*?op=deploy', 'an op in the path is one'],
    ['POST', 'nodes/', null, 'MAAS has no such operation, so no rule would help'],
    ['GET', 'nothing/', null, 'nor such a resource'],
    ['PATCH', 'machines/', null, 'nor such a method']
  ]
  for (const [method, target, rule, reason] of rows) {
    t.match(closed.decide(findOperation(method, `/MAAS/api/2.0/${target}`, [], null)), { allowed: false, missingRule: rule }, reason)
  }
  const denying = await loadPolicy({ deny: ['GET tags/'] })
  t.match(denying.decide(findOperation('GET', '/MAAS/api/2.0/tags/', [], null)), { allowed: false, missingRule: undefined }, 'no rule allows what another one denies')
})

t.test('a path that ends in op-NAME is read as the routes of MAAS have it, and refused by either reading', async t => {
  const open = await loadPolicy({})
  const rows: Array<[
    flags: Record<string, string[]>, method: string, target: string, wanted: string, reason: string
  ]> = [
    [{ deny: ['GET scripts/*'] }, 'GET', 'scripts/op-backup?op=download', 'RULE_REFUSED', 'a script, with an op of its own'],
    [{ deny: ['GET scripts/*?op=download'] }, 'GET', 'scripts/op-backup?op=download', 'RULE_REFUSED', 'denied by that op'],
    [{ deny: ['GET scripts/*?op=download'] }, 'GET', 'scripts/op-download', 'allowed', 'a script that is called op-download'],
    [{ allow: ['GET scripts/*?op=download'] }, 'GET', 'scripts/op-backup?op=download', 'allowed', 'allowed as any script'],
    [{ allow: ['GET scripts/*?op='] }, 'GET', 'scripts/op-download', 'allowed', 'read, not downloaded'],
    [{ allow: ['GET scripts/**'] }, 'GET', 'scripts/op-backup', 'allowed', 'by two stars'],
    [{ allow: ['GET scripts/'] }, 'GET', 'scripts/op-backup', 'RULE_REFUSED', 'not as an operation of scripts/'],
    [{ deny: ['DELETE commissioning-scripts/*'] }, 'DELETE', 'commissioning-scripts/op-x', 'RULE_REFUSED', 'a commissioning script'],
    [{ deny: ['DELETE vm-clusters/*'] }, 'DELETE', 'vm-clusters/op-x', 'RULE_REFUSED', 'a cluster'],
    [{ deny: ['POST nodes/*/blockdevices/*/partitions/*?op=format'] }, 'POST', 'nodes/a/blockdevices/1/partition/op-x?op=format', 'RULE_REFUSED', 'a partition in the singular'],
    [{ deny: ['POST nodes/*/volume-groups/*?op=create_logical_volume'] }, 'POST', 'nodes/a/volume-group/1/op-create_logical_volume', 'RULE_REFUSED', 'an operation of a volume group'],
    [{ deny: ['POST nodes/*/volume-groups/*?op=create_logical_volume'] }, 'POST', 'nodes/a/volume-groups/op-x?op=create_logical_volume', 'RULE_REFUSED', 'a path that no version has is refused by either reading'],
    [{ deny: ['DELETE nodes/*/volume-groups/*'] }, 'DELETE', 'nodes/a/volume-groups/op-x', 'RULE_REFUSED', 'the same without an op'],
    [{ deny: ['GET users/*'] }, 'GET', 'users/op-whoami', 'RULE_REFUSED', 'an operation, which a rule for its other reading refuses'],
    [{ deny: ['GET tags/'] }, 'GET', 'tags/op-nodes', 'RULE_REFUSED', 'and so does one for this reading'],
    [{ allow: ['GET users/?op=whoami'] }, 'GET', 'users/op-whoami', 'allowed', 'an operation, allowed by its name'],
    [{ allow: ['GET users/*'] }, 'GET', 'users/op-whoami', 'RULE_REFUSED', 'it is no user'],
    [{ allow: ['GET users/*'] }, 'GET', 'users/op-whoami/', 'allowed', 'with a slash at the end it is one'],
    [{ readOnly: ['true'] }, 'GET', 'machines/a/op-query_power_state', 'WRITE_REFUSED', 'a read with an effect'],
    [{}, 'GET', 'license-key/windows/op-x', 'CREDENTIAL_OPERATION_REFUSED', 'a license key of a series that looks like an operation'],
    [{}, 'POST', 'account/op-zz?op=create_authorisation_token', 'CREDENTIAL_OPERATION_REFUSED', 'the op of the query, whatever the ending']
  ]
  for (const [flags, method, target, wanted, reason] of rows) {
    t.equal(decide(await loadPolicy(flags), method, target), wanted, `${method} ${target}: ${reason}`)
  }
  t.equal(decide(await loadPolicy({ deny: ['POST scripts/*?op=revert'] }), 'POST', 'scripts/op-x', 'revert'), 'RULE_REFUSED', 'an op in a form counts for the script')
  t.equal(decide(await loadPolicy({ deny: ['POST account/?op=update_token_name'] }), 'POST', 'account/op-zz', 'update_token_name'), 'CREDENTIAL_OPERATION_REFUSED', 'and for what would be its operation')
  const routes = [...new Set(knownOperations().map(({ path }) => path))]
  const hasSlashless = (path: string) => routes.some(route => route.startsWith(path) && /^\{[^}]+\}$/.test(route.slice(path.length)))
  for (const route of routes) {
    const target = `/MAAS/api/2.0/${route.replaceAll(/\{[^}]+\}/g, 'abc')}`
    if (route.endsWith('}')) {
      t.match(findOperation('GET', target.replace(/abc$/, 'op-abc'), [], null), { op: null, otherReading: { op: 'abc' } }, `${route}: a resource`)
    } else if (hasSlashless(route)) {
      t.notOk(knownOperations().some(({ path, op }) => path === route && op !== null), `${route}: has no operations, so nothing is both`)
    } else if (route.endsWith('/')) {
      t.match(findOperation('GET', `${target}op-abc`, [], null), { op: 'abc', path: target, otherReading: { op: null } }, `${route}: an operation`)
    }
  }
  t.equal(decide(open, 'GET', 'scripts/op-backup?op=download'), 'allowed')
})

t.test('the rules of a file are rules beside those of flags', async t => {
  const dir = t.testdir({ 'rules.json': '{"allow": ["GET machines/**"], "deny": ["GET machines/*?op=details"]}' })
  const policy = await loadPolicy({ policy: [`${dir}/rules.json`], allow: ['GET tags/'], deny: ['GET machines/precious'] })
  const rows: Array<[target: string, wanted: string, reason: string]> = [
    ['machines/', 'allowed', 'by the file'],
    ['tags/', 'allowed', 'by a flag'],
    ['zones/', 'RULE_REFUSED', 'by neither'],
    ['machines/abc/?op=details', 'RULE_REFUSED', 'denied by the file'],
    ['machines/precious/', 'RULE_REFUSED', 'denied by a flag']
  ]
  for (const [target, wanted, reason] of rows) t.equal(decide(policy, 'GET', target), wanted, `${target}: ${reason}`)
})

t.test('the rules of a policy are those in force, in the order in which they are looked at', async t => {
  const rules = { allow: ['GET machines/**'], deny: ['GET tags/*'] }
  const kinds = async (flags: Flags) => [...new Set((await loadPolicy(flags)).rules.map(({ source }) => source.split(/:| "/)[0]))]
  t.strictSame(await kinds(rules), ['the credential guard', '--deny', '--allow'])
  t.strictSame(await kinds({ ...rules, readOnly: ['true'] }), ['the credential guard', 'a read with an effect', '--deny', '--allow'], 'reads with an effect are refused in this mode')
  t.strictSame(await kinds({ allowCredentialOperations: ['true'] }), [], 'none')
})

const CRLF = (lines: string[]) => lines.join('\r\n')

t.test('the op of a form is what MAAS takes, or uncertain', async t => {
  const part = (name: string, value: string, ...fields: string[]) => ['--b', `Content-Disposition: form-data; name="${name}"`, ...fields, '', value]
  const end = ['--b--', '']
  const url = 'application/x-www-form-urlencoded'
  const multi = 'multipart/form-data; boundary=b'
  const rows: Array<[type: string, body: string, wanted: string | null | 'uncertain', reason: string]> = [
    [url, '', null, 'empty'],
    [url, 'a=1', null, 'no op'],
    [url, 'op=deploy', 'deploy', 'one'],
    [url, 'op=deploy&op=release', 'release', 'the last'],
    [url, 'op=deploy&op=', '', 'the last, even if it is empty'],
    [url, 'a=1;op=deploy', null, 'a semicolon does not separate'],
    [url, '%6fp=de+ploy', 'de ploy', 'decoded'],
    [`${url}; charset=utf-8`, 'op=deploy', 'deploy', 'a charset that is the usual one'],
    [`${url} ; charset="UTF-8"`, 'op=deploy', 'deploy', 'quoted'],
    [url.toUpperCase(), 'op=deploy', 'uncertain', 'in another case, which not every Django takes for a form'],
    [`x-${url}`, 'op=deploy', 'uncertain', 'a type that only resembles a form'],
    [`${url}, text/plain`, 'op=deploy', 'uncertain', 'two types in one'],
    [multi, CRLF([...part('a', '1'), ...part('op', 'deploy'), ...end]), 'deploy', 'a field'],
    ['multipart/form-data; boundary="b"', CRLF([...part('op', 'deploy'), ...end]), 'deploy', 'quoted'],
    ['Multipart/Form-Data; boundary=b', CRLF([...part('op', 'deploy'), ...end]), 'uncertain', 'in another case'],
    ['multipart/form-data; Boundary=b', CRLF([...part('op', 'deploy'), ...end]), 'uncertain', 'or its boundary'],
    [multi, CRLF([...part('op', 'deploy'), ...part('op', 'release'), '--b--']), 'release', 'the last'],
    [multi, CRLF([...part('op', 'deploy\r\nmore'), ...end]), 'deploy\r\nmore', 'a value of two lines'],
    [multi, CRLF([...part('file', 'op', 'Content-Type: text/plain', 'MIME-Version: 1.0', 'Content-Transfer-Encoding: base64'), ...end]), null, 'other parts may be encoded'],
    [multi, CRLF([...part('op', 'deploy'), '--b', 'Content-Disposition: form-data; name="op"; filename="x"', '', 'release', ...end]), 'uncertain', 'a file of that name, which is no field for Django'],
    [multi, CRLF([...part('op', 'deploy'), '--b', 'Content-Disposition: form-data; name="op"; filename=""', '', 'release', ...end]), 'uncertain', 'nor with an empty name'],
    [multi, CRLF([...part('op', 'deploy'), ...part('op', 'release', `X-Pad: ${'a'.repeat(1100)}`), ...end]), 'uncertain', 'a head so large that Django ignores the part'],
    [multi, CRLF([...part('op ', 'deploy'), ...end]), 'uncertain', 'a name that Django strips'],
    [multi, CRLF([...part('\top', 'deploy'), ...end]), 'uncertain', 'or with a tab'],
    [multi, CRLF([...part('a', '1'), '--b', 'Content-Disposition: form-data; name="f"; filename="\xff"', '', 'x', ...end]), 'uncertain', 'a file name that may not be decoded'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="f"; filename="a b.bin"', 'Content-Type: application/octet-stream', '', 'x', ...end]), null, 'a file like any'],
    ['multipart/form-data; boundary="a\\\\b"', CRLF(['--a\\\\b', 'Content-Disposition: form-data; name="a"', '', 'x', '--a\\\\b--', '']), 'uncertain', 'a boundary with an escape'],
    [multi, CRLF([...part('op', 'ZGVwbG95', 'Content-Transfer-Encoding: base64'), ...end]), 'uncertain', 'the op not, which Django decodes'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="f"; filename="op"', '', 'x', ...end]), null, 'a file'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name=op', '', 'x', ...end]), 'uncertain', 'a name without quotes'],
    [multi, CRLF(['--b', "Content-Disposition: form-data; name*=utf-8''op", '', 'x', ...end]), 'uncertain', 'a name in the extended form'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="a"; name="op"', '', 'x', ...end]), 'uncertain', 'two names'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="o\\p"', '', 'x', ...end]), 'uncertain', 'an escape in the name'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="a"', 'Content-Disposition: form-data; name="op"', '', 'x', ...end]), 'uncertain', 'two dispositions'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="f"; filename="x', 'Content-Disposition: y"', '', 'x', ...end]), 'uncertain', 'two that would be one if they were joined'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="a"', 'Content-Disposition : form-data; name="op"', '', 'x', ...end]), 'uncertain', 'a blank before the colon, which Django drops'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="a"', 'Content-Disposition:form-data; name="op"', '', 'x', ...end]), 'uncertain', 'no blank behind the colon, which Django takes too'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data;', ' name="op"', '', 'x', ...end]), 'uncertain', 'a folded line'],
    [multi, CRLF(['--b', 'X: y', '', 'x', ...end]), 'uncertain', 'no disposition'],
    [multi, CRLF(['--b', 'Content-Disposition: attachment; form-data; name="op"', '', 'x', ...end]), 'uncertain', 'another kind, whose name Django takes'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="op"!', '--b--']), 'uncertain', 'a head without an end'],
    [multi, CRLF(['preamble', ...part('a', '1'), ...end]), 'uncertain', 'something in front'],
    [multi, CRLF([...part('a', '1'), ...end, 'epilogue']), 'uncertain', 'something behind'],
    [multi, CRLF([...part('a', '1--b\r\nContent-Disposition: form-data; name="op"\r\n\r\ndeploy'), ...end]), 'uncertain', 'a delimiter inside a line, where Django cuts too'],
    [multi, CRLF([...part('a', '1')]), 'uncertain', 'no end'],
    [multi, CRLF(['--b', 'Content-Disposition: form-data; name="op"', '--b--']), 'uncertain', 'a part that is only a head'],
    [multi, CRLF(['--bX', 'Content-Disposition: form-data; name="op"', '', 'x', ...end]), 'uncertain', 'a delimiter that goes on'],
    [multi, CRLF(['--bxxContent-Disposition: form-data; name="op"', '', 'x', ...end]), 'uncertain', 'a delimiter without the end of its line'],
    [multi, '--b--', null, 'nothing but the end'],
    [multi, '--b\nContent-Disposition: form-data; name="op"\n\ndeploy\n--b--', 'uncertain', 'line feeds alone'],
    [multi, '', 'uncertain', 'nothing at all'],
    ['multipart/form-data', CRLF([...part('op', 'deploy'), ...end]), 'uncertain', 'no boundary'],
    ...[['', 70, 'op'], ['"', 70, 'op'], ['', 71, 'uncertain'], ['"', 71, 'uncertain']].map(([quote, length, wanted]): typeof rows[number] => {
      const boundary = 'b'.repeat(Number(length))
      return [`multipart/form-data; boundary=${quote}${boundary}${quote}`, CRLF([...part('op', 'op'), ...end]).replaceAll('--b', `--${boundary}`), String(wanted), `a boundary of ${length} characters${quote === '' ? '' : ', quoted'}`]
    }),
    [`${multi}; boundary=c`, CRLF([...part('op', 'deploy'), ...end]), 'uncertain', 'two boundaries']
  ]
  for (const [type, body, wanted, reason] of rows) {
    const kind = formKind(type)
    if (kind === null) return t.fail(reason)
    const found = findFormOp(kind, type, Buffer.from(body, 'latin1'))
    t.equal(found.isCertain ? found.op : 'uncertain', wanted, `${type}: ${reason}`)
    for (const size of [1, 2, 3, 7, 64]) t.strictSame(readInPieces(type, body, size), found, `${reason}: in pieces of ${size} bytes`)
  }
  for (const type of [undefined, '', 'application/json', 'text/plain', 'application/octet-stream', 'multipart/mixed; boundary=b']) t.equal(formKind(type), null, `${type} is no form`)
})

/** What is found in a form that streams by in pieces of a size. */
function readInPieces (type: string, body: string, size: number) {
  const reader = formOpReader(formKind(type) ?? 'ambiguous', type)
  for (let at = 0; at < body.length; at += size) reader?.write(Buffer.from(body.slice(at, at + size), 'latin1'))
  return reader?.end() ?? { isCertain: false }
}

t.test('the op of an urlencoded form is that of the last parameter with the name', async t => {
  const type = 'application/x-www-form-urlencoded'
  const rows: Array<[form: string, wanted: string | null, reason: string]> = [
    ['', null, 'no form'],
    ['op=a', 'a', 'one'],
    ['op=a&op=b', 'b', 'the last'],
    ['op=a&op', '', 'without a value'],
    ['op=a&op&x', '', 'and not at the end'],
    ['&op=a&', 'a', 'between empty pairs'],
    ['o%70=a%20b+c', 'a b c', 'decoded'],
    ['%6Fp=a', 'a', 'a letter of the name, too'],
    ['xop=a&op2=b&=op&opp&o&%6&%6Fx&o%71&%7op&OP=c&o%7', null, 'names that only resemble it'],
    ['a=op=b', null, 'in a value'],
    [`a=${'x'.repeat(100)}&op=b&c=${'x'.repeat(100)}`, 'b', 'between large values'],
    [`op=${'x'.repeat(1000)}`, 'x'.repeat(1000), 'as long as any may be'],
    [`op=${'x'.repeat(1000)}&op=a`, 'a', 'a long one before the last']
  ]
  for (const [form, wanted, reason] of rows) {
    for (const size of [1, 2, 3, 50, 10_000]) t.strictSame(readInPieces(type, form, size), { isCertain: true, op: wanted }, `${reason}: in pieces of ${size} bytes`)
  }
  for (const size of [1, 64, 3000]) t.strictSame(readInPieces(type, `op=${'x'.repeat(1001)}&a`, size), { isCertain: false }, 'one so long that no operation has it as its name')
  const pieces = ['op', '=', '&', 'o%70', '%6fp', 'x', '+', '%zz', '%3d', '%26']
  for (let seed = 1; seed < 3000; seed++) {
    const form = Array.from({ length: seed % 12 }, (_, i) => pieces[(seed * 7919 + i * (seed % 97) * 31) % pieces.length]).join('')
    const wanted = parseQuery(form).findLast(([name]) => name === 'op')?.[1] ?? null
    const found = readInPieces(type, form, 1 + seed % 5)
    if (!found.isCertain || found.op !== wanted) t.fail(`as the whole form is read: ${form}`)
  }
})

t.test('a multipart form with an op that is too long, or a head that never ends, is uncertain', async t => {
  const type = 'multipart/form-data; boundary=b'
  const head = '--b\r\nContent-Disposition: form-data; name="op"\r\n\r\n'
  for (const size of [1, 100, 5000]) {
    t.strictSame(readInPieces(type, `${head}${'x'.repeat(1000)}\r\n--b--`, size), { isCertain: true, op: 'x'.repeat(1000) }, 'as long as any may be')
    t.strictSame(readInPieces(type, `${head}${'x'.repeat(1001)}\r\n--b--`, size), { isCertain: false }, 'an op that is too long')
    t.strictSame(readInPieces(type, `${head}${'x'.repeat(3000)}`, size), { isCertain: false }, 'one that does not end')
    t.strictSame(readInPieces(type, `--b\r\nX: ${'x'.repeat(3000)}`, size), { isCertain: false }, 'a head that does not end')
    t.strictSame(readInPieces(type, `--b--\r\n${'x'.repeat(3000)}`, size), { isCertain: false }, 'text behind the end')
  }
})
