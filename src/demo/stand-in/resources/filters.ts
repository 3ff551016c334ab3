import { invalidForm } from '../answers.ts'
import type { QueryDict } from '../fields.ts'
import type { Machine } from '../model.ts'
import { checkText, repr } from '../python.ts'
import type { Call } from '../resource.ts'
import { macError } from './checks.ts'

/** Whether a machine fits the values of a constraint. */
type Test = (machine: Machine, values: string[]) => boolean

/** What a request filters for: a list, or a machine to allocate. Each has constraints of its own. */
type Purpose = 'list' | 'allocate'

/** The constraints of both that the stand-in has facts for (maasserver/node_constraint_filter_forms.py). */
const TESTS: Record<string, Test> = {
  arch: hasArchitecture,
  not_arch: not(hasArchitecture),
  cpu_count: ({ cpuCount }, values) => values.some(count => cpuCount >= Number(count)),
  mem: ({ memory }, values) => values.some(size => memory >= Number(size)),
  owner: ({ owner }, values) => owner !== null && values.includes(owner.username),
  not_owner: ({ owner }, values) => owner === null || !values.includes(owner.username),
  pool: (_machine, values) => values.includes('default'),
  not_in_pool: (_machine, values) => !values.includes('default'),
  power_state: ({ powerState }, values) => values.includes(powerState),
  not_power_state: ({ powerState }, values) => !values.includes(powerState),
  tags: ({ tags }, values) => tagNames(values).every(tag => tags.includes(tag)),
  not_tags: ({ tags }, values) => !tagNames(values).some(tag => tags.includes(tag)),
  zone: (_machine, values) => values.includes('default'),
  not_in_zone: (_machine, values) => !values.includes('default')
}

/** The constraints of one purpose. */
const OWN_TESTS: Record<Purpose, Record<string, Test>> = {
  list: {
    id: ({ systemId }, values) => values.includes(systemId),
    not_id: ({ systemId }, values) => !values.includes(systemId),
    hostname: ({ hostname }, values) => values.includes(hostname),
    not_hostname: ({ hostname }, values) => !values.includes(hostname),
    mac_address: ({ macs }, values) => values.some(mac => macs.includes(mac.toLowerCase())),
    domain: (_machine, values) => values.includes('maas'),
    not_domain: (_machine, values) => !values.includes('maas'),
    status: ({ status }, values) => values.some(name => name.toLowerCase() === status.toLowerCase())
  },
  allocate: {
    name: ({ hostname }, values) => values.some(name => name === hostname || name === `${hostname}.maas`),
    system_id: ({ systemId }, values) => values.includes(systemId)
  }
}

/** Constraints that MAAS has and the stand-in has no facts for. */
const OTHERS = [
  'agent_name', 'cpu_speed', 'devices', 'fabrics', 'not_fabrics', 'fabric_classes', 'not_fabric_classes', 'interfaces',
  'link_speed', 'parent', 'pod', 'not_pod', 'pod_type', 'not_pod_type', 'storage', 'subnets', 'not_subnets', 'vlans',
  'not_vlans', 'not_system_id'
]

/** Parameters of a request that are no constraints. */
const NO_CONSTRAINTS = [
  'op', 'format', 'callback', 'bridge_all', 'bridge_fd', 'bridge_stp', 'bridge_type', 'comment', 'dry_run', 'verbose'
]

function hasArchitecture ({ architecture }: Machine, values: string[]): boolean {
  return values.some(arch => arch === architecture || architecture.startsWith(`${arch}/`))
}

function not (test: Test): Test {
  return (machine, values) => !test(machine, values)
}

function tagNames (values: string[]): string[] {
  return values.flatMap(value => value.split(/[\s,]+/)).filter(name => name !== '')
}

/** Returns what is wrong with the values of a constraint; null if nothing is. */
function valueError (name: string, values: string[], { store }: Call): string | null {
  switch (name.replace(/^not_(?:in_)?/, '')) {
    case 'zone': return missing(values, ['default'], 'zone(s)')
    case 'pool': return missing(values, ['default'], 'pool(s)')
    case 'tags': return missing(tagNames(values).map(repr), [...store.tags.keys()].map(repr), 'tag(s)')
    case 'owner': return missing(values.map(repr), [...store.users.keys()].map(repr), 'owner')
    case 'arch': return values.every(arch => /^(?:amd64|arm64)(?:\/generic)?$/.test(arch))
      ? null
      : 'Architecture not recognised.'
    case 'cpu_count': return values.every(isNumber) ? null : 'Invalid CPU count: number required.'
    case 'mem': return values.every(isNumber) ? null : 'Invalid memory: number of MiB required.'
    case 'mac_address': return values.map(macError).find(error => error !== null) ?? null
    default: return null
  }
}

function missing (values: string[], known: string[], kind: string): string | null {
  const unknown = [...new Set(values)].filter(value => !known.includes(value)).sort()
  if (unknown.length === 0) return null
  return `No such ${kind}: ${unknown.join(', ')}.`
}

function isNumber (text: string): boolean {
  return /^\s*\d+(?:\.\d*)?\s*$/.test(text)
}

/**
 * Returns a function that tells which machines fit the constraints of a request.
 * @throws ApiException with a 400 if a constraint is unknown, or names what MAAS does not have
 */
export function machineFilter (
  fields: Pick<QueryDict, 'lists'>, call: Call, purpose: Purpose
): (machine: Machine) => boolean {
  const tests = { ...TESTS, ...OWN_TESTS[purpose] }
  const constraints = fields.lists().filter(([name]) => !NO_CONSTRAINTS.includes(name))
  for (const [, values] of constraints) values.forEach(checkText)
  const errors = constraints.flatMap(([name, values]): Array<[string, string]> => {
    const isKnown = Object.hasOwn(tests, name) || OTHERS.includes(name)
    const error = isKnown ? valueError(name, values, call) : 'No such constraint.'
    return error === null ? [] : [[name, error]]
  })
  if (errors.length > 0) throw invalidForm(Object.fromEntries(errors))
  return machine => constraints.every(([name, values]) => tests[name]?.(machine, values) ?? true)
}

/** Describes the constraints of a request for a machine as MAAS resolves them. */
export function describeConstraints (asked: ReadonlyArray<[string, string[]]>): string {
  return asked.filter(([name]) => Object.hasOwn(TESTS, name) || Object.hasOwn(OWN_TESTS.allocate, name))
    .map(([name, values]) => `${name}=${(name.endsWith('tags') ? tagNames(values) : values).join(',')}`)
    .sort().join(' ')
}
