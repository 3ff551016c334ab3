// Makes config/operations.json from a list of the operations in the sources of MAAS:
//   node config/operations.mjs LIST.json > config/operations.json
// The list is an object `{ "GET tags/{name}/?op=nodes": { "in": ["3.4", "3.5"] } }`, for every version from the oldest
// supported one to the newest. Operations that such a list lacks are added here, each with its reason.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const METHODS = ['DELETE', 'GET', 'POST', 'PUT']
const NODES = ['nodes', 'machines', 'devices', 'rackcontrollers', 'regioncontrollers']

/** Operations of every version that reading the handlers does not find. */
const ADDED = [
  // Only the anonymous handlers have it (api/nodes.py, AnonNodesHandler).
  ...NODES.map(nodes => `GET ${nodes}/?op=is_action_in_progress`),
  // FilesHandler takes them from functions outside of the class (api/files.py).
  'GET files/?op=get',
  'GET files/?op=get_by_key',
  // Inherited from the base class of the handlers (api/support.py).
  'GET pods/{id}/',
  'GET vm-hosts/{id}/',
  'GET vm-clusters/{id}'
]

/** Resources whose handlers only answer 410 (Gone), from a version on. */
const GONE_IN = { pods: '4.0', 'vm-hosts': '4.0', 'vm-clusters': '4.0', 'virtual-machines': '4.0' }

/**
 * Makes the rows of the table, sorted by path: the operations of a path that the same versions have.
 * @param {Record<string, { in: string[] }>} list
 */
export function operationsTable (list) {
  const versions = [...new Set(Object.values(list).flatMap(operation => operation.in))].sort(byVersion)
  const rows = new Map()
  const names = [...new Set([...Object.keys(list), ...ADDED])].sort()
  for (const name of names) {
    const [, method, path, op = ''] = /^([A-Z]+) ([^?]+)(?:\?op=(\w+))?$/.exec(name) ?? []
    if (!METHODS.includes(method)) throw new Error(`not an operation: ${JSON.stringify(name)}`)
    const goneIn = GONE_IN[path.split('/')[0]]
    const found = (ADDED.includes(name) ? versions : list[name].in)
      .filter(version => goneIn === undefined || byVersion(version, goneIn) < 0)
    const range = rangeOf(name, found, versions)
    const key = JSON.stringify([path, range])
    const row = rows.get(key) ?? { path, ...range }
    row[method] = [...row[method] ?? [], op]
    rows.set(key, row)
  }
  return [...rows.values()].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
}

/** The first version of an operation and the first without it, where they are not the ends of the list. */
function rangeOf (name, found, versions) {
  const from = versions.indexOf(found[0])
  const next = from + found.length
  if (found.length === 0 || found.some((version, i) => version !== versions[from + i])) {
    throw new Error(`the versions of ${name} have a gap: ${found.join(', ')}`)
  }
  return {
    ...from > 0 ? { since: versions[from] } : {},
    ...next < versions.length ? { goneIn: versions[next] } : {}
  }
}

function byVersion (a, b) {
  const [[majorA, minorA], [majorB, minorB]] = [a, b].map(version => version.split('.').map(Number))
  return majorA - majorB || minorA - minorB
}

/** Writes a row as one line. */
function lineOf ({ path, since, goneIn, DELETE, GET, POST, PUT }) {
  return JSON.stringify({ path, since, goneIn, DELETE, GET, POST, PUT }).replaceAll(/([:,])(?=["[])/g, '$1 ')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const list = JSON.parse(readFileSync(process.argv[2], 'utf8'))
  console.log(`[\n${operationsTable(list).map(row => `  ${lineOf(row)}`).join(',\n')}\n]`)
}
