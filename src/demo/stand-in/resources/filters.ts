import { invalidForm } from '../answers.ts'
import type { QueryDict } from '../fields.ts'
import type { Machine } from '../model.ts'
import { checkText, repr } from '../python.ts'
import type { Call } from '../resource.ts'

/** Whether a machine has one of the values, or all, as the constraint says. */
type Test = (machine: Machine, values: string[]) => boolean

/** The constraints that the stand-in has facts for. */
const TESTS: Record<string, Test> = {
  hostname: ({ hostname }, values) => values.includes(hostname),
  name: ({ hostname }, values) => values.some(name => name === hostname || name === `${hostname}.maas`),
  id: ({ systemId }, values) => values.includes(systemId),
  system_id: ({ systemId }, values) => values.includes(systemId),
  mac_address: ({ macs }, values) => values.some(mac => macs.includes(mac.toLowerCase())),
  domain: (_machine, values) => values.includes('maas'),
  zone: (_machine, values) => values.includes('default'),
  not_in_zone: (_machine, values) => !values.includes('default'),
  pool: (_machine, values) => values.includes('default'),
  not_in_pool: (_machine, values) => !values.includes('default'),
  arch: ({ architecture }, values) => values.some(arch => arch === architecture || architecture.startsWith(`${arch}/`)),
  cpu_count: ({ cpuCount }, values) => values.every(count => cpuCount >= Number(count)),
  mem: ({ memory }, values) => values.every(size => memory >= Number(size)),
  status: ({ status }, values) => values.some(name => name.toLowerCase() === status.toLowerCase()),
  owner: ({ owner }, values) => values.includes(owner?.username ?? ''),
  tags: ({ tags }, values) => tagNames(values).every(tag => tags.includes(tag)),
  not_tags: ({ tags }, values) => !tagNames(values).some(tag => tags.includes(tag))
}

/** Constraints that MAAS has and the stand-in has no facts for (maasserver/node_constraint_filter_forms.py). */
const OTHERS = [
  'agent_name', 'connected_to', 'not_connected_to', 'cpu_speed', 'devices', 'fabrics', 'not_fabrics', 'fabric_classes',
  'not_fabric_classes', 'interfaces', 'link_speed', 'not_arch', 'not_id', 'parent', 'pod', 'not_pod', 'pod_type',
  'not_pod_type', 'storage', 'subnets', 'not_subnets', 'vlans', 'not_vlans', 'not_system_id'
]

/** What the constraints of a request name, and MAAS does not have. */
function unknownValue (name: string, values: string[], { store }: Call): string | null {
  if (/^(?:not_in_)?zone$/.test(name)) return missing(values, ['default'], 'zone', text => text)
  if (/^(?:not_in_)?pool$/.test(name)) return missing(values, ['default'], 'resource pool', text => text)
  if (/^(?:not_)?tags$/.test(name)) return missing(tagNames(values), [...store.tags.keys()], 'tag', repr)
  if (name === 'mac_address') {
    const wrong = values.find(mac => !/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(mac))
    return wrong === undefined ? null : 'Enter a valid MAC address (e.g. AA:BB:CC:DD:EE:FF).'
  }
  return null
}

function missing (values: string[], known: string[], kind: string, show: (text: string) => string): string | null {
  const unknown = [...new Set(values)].filter(value => !known.includes(value)).sort()
  return unknown.length === 0 ? null : `No such ${kind}(s): ${unknown.map(show).join(', ')}.`
}

function tagNames (values: string[]): string[] {
  return values.flatMap(value => value.split(/[\s,]+/)).filter(name => name !== '')
}

/** Parameters of a request that are no constraints. */
const NO_CONSTRAINTS = ['op', 'format', 'callback', 'agent_name', 'bridge_all', 'bridge_fd', 'bridge_stp', 'comment', 'dry_run', 'verbose']

/**
 * Returns a function that tells which machines fit the constraints of a request.
 * @throws ApiException with a 400 if a constraint is unknown, or names what MAAS does not have
 */
export function machineFilter (fields: Pick<QueryDict, 'lists'>, call: Call): (machine: Machine) => boolean {
  const constraints = fields.lists().filter(([name]) => !NO_CONSTRAINTS.includes(name))
  for (const [, values] of constraints) values.forEach(checkText)
  const errors = constraints.flatMap(([name, values]): Array<[string, string]> => {
    const isKnown = Object.hasOwn(TESTS, name) || OTHERS.includes(name)
    const error = isKnown ? unknownValue(name, values, call) : 'No such constraint.'
    return error === null ? [] : [[name, error]]
  })
  if (errors.length > 0) throw invalidForm(Object.fromEntries(errors))
  return machine => constraints.every(([name, values]) => TESTS[name]?.(machine, values) ?? true)
}

/** Whether a constraint decides on machines, so that MAAS shows it as resolved. */
export function isConstraint (name: string): boolean {
  return Object.hasOwn(TESTS, name)
}
