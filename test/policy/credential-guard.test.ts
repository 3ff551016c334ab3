import t from 'tap'
import { readFileSync } from 'node:fs'
import { ProxyError } from '../../src/errors.ts'
import { findOperation } from '../../src/maas/operations.ts'
import { parseQuery } from '../../src/maas/query.ts'
import { asRule, type KnownOperation, knownOperations, operationsOf } from '../../src/policy/catalogue.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { parseRule } from '../../src/policy/rule.ts'
import { loadConfig, loadPolicies } from '../../src/settings/load.ts'
import { parseCredentialOperation } from '../../src/settings/credential-rules.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, jsonBody, rawUpstream, request } from '../helper/sockets.ts'

const GUARD = JSON.parse(readFileSync(new URL('../../config/credential-operations.json', import.meta.url), 'utf8')) as
  Array<{ rule: string, reason: string, opensSingly?: boolean }>
const GUARDED = GUARD.flatMap(({ rule, opensSingly = true }) => (
  operationsOf(parseRule(rule)).map(known => ({ known, opensSingly }))
))
const isGuarded = (known: KnownOperation) => GUARDED.some(row => row.known === known)

async function loadPolicy (flags: Flags): Promise<Policy> {
  const [listener] = await loadPolicies(flags, {})
  return listener?.policy as Policy
}

/** The ways to ask for an operation of the resource `id`. */
function spellingsOf ({ method, path, op }: KnownOperation, id = 'abc') {
  const resource = `/MAAS/api/2.0/${path.replaceAll(/\{[^}]+\}/g, id)}`
  if (op === null) return [findOperation(method, resource, [], null), findOperation(method, resource, parseQuery('op='), null)]
  const inQuery = ['', 'op=x&', '%6fp=&'].map(before => findOperation(method, resource, parseQuery(`${before}op=${op}`), null))
  const inPath = path.endsWith('/') ? [findOperation(method, `${resource}op-${op}`, [], null)] : []
  return [...inQuery, ...inPath, ...method === 'POST' ? [findOperation(method, resource, [], op)] : []]
}

/** The exact rule that the refusal of an operation names. */
function openingOf (policy: Policy, known: KnownOperation): string | undefined {
  const [operation] = spellingsOf(known)
  const verdict = operation === undefined ? null : policy.decide(operation)
  const remedy = verdict === null || verdict.allowed ? '' : verdict.remedy ?? ''
  const [, text] = /--allow-credential-operation (".*")$/.exec(remedy) ?? []
  return text === undefined ? undefined : JSON.parse(text)
}

t.test('the rule that a refusal names opens that operation, in every spelling, and no other', async t => {
  const closed = await loadPolicy({})
  const sameRoute = (a: KnownOperation, b: KnownOperation) =>
    a.method === b.method && a.op === b.op && a.segments.join() === b.segments.join()
  for (const { known, opensSingly } of GUARDED) {
    const rule = openingOf(closed, known)
    t.equal(rule !== undefined, opensSingly, `${asRule(known)} opens singly, or not`)
    if (rule === undefined) {
      t.throws(() => parseCredentialOperation(asRule(known)), /only with --allow-credential-operations/)
      continue
    }
    const open = await loadPolicy({ allowCredentialOperation: [rule] })
    for (const operation of spellingsOf(known)) t.ok(open.decide(operation).allowed, `${rule} opens ${JSON.stringify(operation)}`)
    for (const other of knownOperations().filter(other => !sameRoute(other, known))) {
      const [operation] = spellingsOf(other)
      if (operation === undefined) continue
      const verdict = open.decide(operation)
      if (verdict.allowed === isGuarded(other)) t.fail(`${rule}: ${asRule(other)} is ${verdict.allowed ? 'open' : 'closed'}`)
    }
  }
})

t.test('an opening for one resource opens it for no other', async t => {
  for (const { known } of GUARDED.filter(({ known, opensSingly }) => opensSingly && known.path.includes('{'))) {
    const single = asRule(known).replaceAll('*', 'mine')
    const policy = await loadPolicy({ allowCredentialOperation: [single] })
    for (const operation of spellingsOf(known, 'mine')) t.ok(policy.decide(operation).allowed, single)
    for (const operation of spellingsOf(known, 'other')) t.notOk(policy.decide(operation).allowed, `${single}: another`)
  }
})

t.test('an opening closes nothing, and every other rule applies to it', async t => {
  const opening = 'GET machines/*?op=power_parameters'
  const rows: Array<[flags: Record<string, string[]>, target: string, wanted: boolean, reason: string]> = [
    [{}, 'machines/abc/?op=power_parameters', true, 'opened'],
    [{}, 'machines/abc/op-power_parameters', true, 'by its own path'],
    [{}, 'machines/abc/', true, 'the rest stays as it was'],
    [{}, 'tags/', true, 'everywhere'],
    [{}, 'machines/?op=power_parameters', false, 'of all machines at once it is another operation'],
    [{}, 'nodes/abc/?op=power_parameters', false, 'and by another name of the machine'],
    [{}, 'machines/abc/?op=get_token', false, 'another guarded operation'],
    [{ allow: ['GET machines/*?op=power_parameters'] }, 'machines/abc/?op=power_parameters', true, 'allowed by a rule too'],
    [{ allow: ['GET tags/**'] }, 'machines/abc/?op=power_parameters', false, 'not allowed by a rule'],
    [{ deny: ['GET machines/abc'] }, 'machines/abc/?op=power_parameters', false, 'denied'],
    [{ readOnly: ['true'] }, 'machines/abc/?op=power_parameters', true, 'it is a read']
  ]
  for (const [flags, target, wanted, reason] of rows) {
    const policy = await loadPolicy({ ...flags, allowCredentialOperation: [opening] })
    const [path = '', query = ''] = target.split('?')
    const verdict = policy.decide(findOperation('GET', `/MAAS/api/2.0/${path}`, parseQuery(query), null))
    t.equal(verdict.allowed, wanted, `${target}: ${reason}`)
  }
  const writes = await loadPolicy({ readOnly: ['true'], allowCredentialOperation: ['POST users/', 'GET agents/*/services/*/config'] })
  for (const [method, path] of [['POST', 'users/'], ['GET', 'agents/a/services/dhcp/config/']] as const) {
    const verdict = writes.decide(findOperation(method, `/MAAS/api/2.0/${path}`, [], null))
    t.match(verdict, { allowed: false, code: 'MAAS_PROXY_WRITE_REFUSED' }, `${path}: read-only refuses what has an effect, opened or not`)
  }
  const creator = await loadPolicy({ allowCredentialOperation: ['POST users/'] })
  t.notOk(creator.decide(findOperation('POST', '/MAAS/api/2.0/users/', [], 'new_op')).allowed, 'an operation of the same path that MAAS may have one day')
})

t.test('a rule that may mean more than one operation opens nothing', async t => {
  const refused: Array<[rule: string, wanted: RegExp, reason: string]> = [
    ['* users/', /more than one operation; write one method/, 'any method'],
    ['GET,DELETE users/*', /more than one/, 'two methods'],
    ['GET **', /more than one/, 'two stars'],
    ['GET machines/**', /more than one/, 'two stars below a name'],
    ['* oidc-providers/**', /more than one/, 'a rule of the guard itself'],
    ['GET */*?op=power_parameters', /more than one/, 'a star for a name, which means several'],
    ['GET */*?op=get_token', /more than one/, 'a star for a name, where only one fits today'],
    ['GET */?op=list_authorisation_tokens', /more than one/, 'the same for API keys'],
    ['GET account/?op=list_authorisation_tokens', /API keys open only with --allow-credential-operations/, 'listing API keys'],
    ['POST account/?op=create_authorisation_token', /API keys open only/, 'minting one'],
    ['POST account/?op=delete_authorisation_token', /API keys open only/, 'revoking one'],
    ['GET machines/*', /is not guarded, and needs no opening/, 'a plain read, for without op it is the plain method'],
    ['GET tags/', /is not guarded/, 'what needs no opening'],
    ['GET account/', /no operation without \?op=/, 'a path that has operations only'],
    ['GET machines/*?op=power_parameter', /means no operation of MAAS; did you mean "GET machines\/\*\?op=power_parameters"/, 'a typing error'],
    ['machines/*', /is not a rule; did you mean "GET machines\/\*"\?/, 'no rule']
  ]
  for (const [rule, wanted, reason] of refused) t.throws(() => parseCredentialOperation(rule), wanted, `${rule}: ${reason}`)
  t.match(parseCredentialOperation('POST users/'), { op: '' }, 'without op it is the plain method')
  t.match(parseCredentialOperation('GET pods/*?op=parameters'), { segments: ['vm-hosts', '*'] }, 'a second name of a resource is no second operation')
  await t.rejects(loadPolicies({ allowCredentialOperation: ['GET tags/'] }, {}), /--allow-credential-operation: "GET tags\/" is not guarded/)
})

t.test('an opened operation is warned of at every start; an allow rule opens none', async t => {
  const key = { MAAS_API_KEY: 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F' }
  const base = { maasUrl: ['http://127.0.0.1:1/MAAS'] }
  const opened = await loadConfig({ ...base, allowCredentialOperation: ['POST users/', 'GET machines/abc?op=power_parameters'] }, key)
  t.match(opened.warnings.filter(text => text.includes('credential-operation')), [
    /^--allow-credential-operation "POST users\/": opens what is refused otherwise, by the credential guard: Makes a login/,
    /^--allow-credential-operation "GET machines\/abc\?op=power_parameters": opens .*: User name and password of the BMC/
  ])
  const useless = ['GET machines/*?op=power_parameters']
  await t.rejects(loadPolicies({ allow: useless }, {}), /--allow "GET machines.*need --allow-credential-operation RULE too/)
  await t.resolves(loadPolicies({ allow: useless, allowCredentialOperation: useless }, {}), 'with the opening it means something')
  const all = await loadConfig({ ...base, allowCredentialOperations: ['true'], allowCredentialOperation: ['POST users/'] }, key)
  t.ok(all.listeners[0]?.policy.decide(findOperation('DELETE', '/MAAS/api/2.0/users/x/', [], null)).allowed, 'beside the switch it changes nothing')
})

t.test('the refusal names a rule that works', async t => {
  const upstream = await rawUpstream(t)
  const closed = await startTestProxy(t, testConfig(upstream.url))
  const rows: Array<[method: string, target: string, rule: string | null, reason: string]> = [
    ['GET', 'machines/abc/?op=power_parameters', 'GET machines/*?op=power_parameters', "Terraform's data.maas_machine"],
    ['GET', 'machines/abc/op-power_parameters', 'GET machines/*?op=power_parameters', 'the same by its own path'],
    ['POST', 'users/', 'POST users/', "Ansible's user"],
    ['DELETE', 'users/bob/', 'DELETE users/*', 'and its state: absent'],
    ['GET', 'pods/1/?op=parameters', 'GET vm-hosts/*?op=parameters', 'an old name'],
    ['PUT', 'license-key/windows/win2022', 'PUT license-key/*/*', 'a write that answers with a stored secret'],
    ['GET', 'agents/a/services/dhcp/config/', 'GET agents/*/services/*/config/', 'the OMAPI key'],
    ['POST', 'groups/1/?op=add_member', 'POST groups/*?op=add_member', 'privileges'],
    ['GET', 'account/?op=list_authorisation_tokens', null, 'API keys have no single opening'],
    ['GET', 'oidc-providers/?op=nosuch', null, 'nor has what MAAS does not have'],
    ['GET', 'oidc-providers/1/secrets/', null, 'not even as a path']
  ]
  for (const [method, target, rule, reason] of rows) {
    const bytes = request([`${method} /MAAS/api/2.0/${target} HTTP/1.1`, 'Host: localhost'])
    const { error } = jsonBody(await exchange(closed.port, bytes))
    t.equal(error?.code, 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', `${target}: ${reason}`)
    const usual = new ProxyError('MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED').remedy
    t.equal(error?.remedy, rule === null ? usual : `do it in MAAS itself, or start with --allow-credential-operation ${JSON.stringify(rule)}`)
    if (rule === null) continue
    const open = await startTestProxy(t, testConfig(upstream.url, { allowCredentialOperation: [rule] }))
    t.match(await exchange(open.port, bytes), /^HTTP\/1.1 200 /, `${rule} opens it`)
    t.match(jsonBody(await exchange(open.port, get('/MAAS/api/2.0/account/?op=list_authorisation_tokens'))), { error: {} }, 'and no API key')
  }
})
