import t from 'tap'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeVersions, knownOperations } from '../../src/policy/catalogue.ts'
import { findResource, operationOf } from '../../src/policy/resources.ts'
import { API_ROOT } from '../../src/policy/segments.ts'

const shipped = (name: string) => fileURLToPath(new URL(`../../config/${name}`, import.meta.url))

/** The first words of an operation, as in a rule of the table: `POST tags/{name}/?op=rebuild`. */
const nameOf = ({ method, path, op }: { method: string, path: string, op: string | null }) => (
  `${method} ${path}${op === null ? '' : `?op=${op}`}`
)

t.test('the table of operations is complete', async t => {
  const lines = readFileSync(shipped('operations.json'), 'utf8').trim().split('\n').slice(1, -1)
  const paths = lines.map(line => (JSON.parse(line.replace(/,$/, '')) as { path: string }).path)
  t.strictSame(paths, [...new Set(paths)].sort(), 'a line for each path, in order')
  const names = knownOperations().map(nameOf)
  t.equal(new Set(names).size, names.length, 'no operation twice')
  for (const { method, path, op, versions: { since, goneIn } } of knownOperations()) {
    t.match(nameOf({ method, path, op }), /^(?:GET|POST|PUT|DELETE) [a-z][\w{}./-]*(?:\?op=[a-z_]+)?$/)
    for (const version of [since, goneIn]) t.match(version ?? '3.5', /^(?:3\.[5-8]|4\.0)$/, 'a version after the oldest one')
  }
})

t.test('the table has the operations that are easily missed', async t => {
  const rows: Array<[name: string, versions: string, reason: string]> = [
    ['POST commissioning-scripts/', '', 'its code runs as root on machines, so rules have to be able to mean it'],
    ['PUT switch-boot-order/{system_id}/', 'since MAAS 3.5, gone in MAAS 3.6', 'of one version'],
    ['GET agents/{system_id}/services/{service_name}/config/', 'since MAAS 3.6', 'for agents'],
    ['GET machines/?op=is_action_in_progress', '', 'of the anonymous handler only'],
    ['GET files/?op=get_by_key', '', 'a function outside of its class'],
    ['GET pods/{id}/', 'gone in MAAS 4.0', 'inherited'],
    ['POST vm-hosts/', 'gone in MAAS 4.0', 'KVM'],
    ['GET vm-clusters/', 'gone in MAAS 4.0', 'KVM'],
    ['GET virtual-machines/{id}', 'gone in MAAS 4.0', 'KVM'],
    ['POST groups/{id}/?op=add_member', 'since MAAS 3.8', 'privileges'],
    ['GET version/', '', 'every version has it']
  ]
  for (const [name, versions, reason] of rows) {
    const known = knownOperations().find(operation => nameOf(operation) === name)
    t.equal(known === undefined ? 'missing' : describeVersions(known.versions), versions, `${name}: ${reason}`)
  }
})

t.test('every operation of the table of access is in that of operations', async t => {
  const rows: Array<{ method: string, path: string, op: string | null }> = JSON.parse(readFileSync(shipped('anonymous-operations.json'), 'utf8'))
  for (const { method, path, op } of rows.filter(row => row.path.startsWith(API_ROOT))) {
    const resource = findResource(path)
    t.ok(resource !== null && operationOf(resource, method, op) !== undefined, `${method} ${path} ${op}`)
  }
})

t.test('the script makes the table from the operations of each version', async t => {
  const all = ['3.4', '3.10', '4.0']
  const list = {
    'POST tags/{name}/?op=rebuild': { in: all },
    'GET tags/{name}/': { in: all },
    'GET tags/{name}/?op=new': { in: ['4.0'] },
    'PUT old/': { in: ['3.4'] },
    'GET pods/': { in: all }
  }
  const run = (content: unknown) => {
    const dir = t.testdir({ 'list.json': JSON.stringify(content) })
    return execFileSync(process.execPath, [shipped('operations.mjs'), `${dir}/list.json`], { encoding: 'utf8', stdio: 'pipe' })
  }
  const rows = JSON.parse(run(list)) as Array<{ path: string }>
  const rowsOf = (path: string) => rows.filter(row => row.path === path)
  t.strictSame(rowsOf('tags/{name}/'), [
    { path: 'tags/{name}/', GET: [''], POST: ['rebuild'] }, { path: 'tags/{name}/', since: '4.0', GET: ['new'] }
  ], 'operations of a path with other versions are a row of their own')
  t.strictSame(rowsOf('old/'), [{ path: 'old/', goneIn: '3.10', PUT: [''] }], 'versions are in the order of numbers, not of text')
  t.strictSame(rowsOf('pods/'), [{ path: 'pods/', goneIn: '4.0', GET: [''] }], 'what only answers 410 is gone')
  t.strictSame(rowsOf('files/'), [{ path: 'files/', GET: ['get', 'get_by_key'] }], 'what no list has is added')
  t.throws(() => run({ ...list, 'GET gap/': { in: ['3.4', '4.0'] } }), /the versions of GET gap\/ have a gap: 3\.4, 4\.0/)
  t.throws(() => run({ tags: { in: all } }), /not an operation: "tags"/)
  t.throws(() => run({ 'PATCH tags/': { in: all } }), /not an operation: "PATCH tags\/"/)
})
