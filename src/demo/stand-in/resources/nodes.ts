import type { Status } from '../model.ts'
import type { Json } from '../python.ts'
import { mandatoryParameter, operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'
import { machineFilter } from './filters.ts'
import { showMachine, visibleMachines } from './machine-view.ts'

/**
 * `is_registered` for signed callers: of the known machines, only a retired one is not registered
 * (maasserver/api/nodes.py).
 */
export const isRegistered: Operation = operation('Is this MAC address registered?', call => (
  !statusIn(call, [undefined, 'Retired'])
))

/** The operations of an enlisting machine; the second does not exist for signed callers. */
export const anonymousQuestions: Record<string, Operation> = {
  'GET is_registered': operation('Is this MAC address registered?', call =>
    !statusIn(call, [undefined, 'New', 'Commissioning', 'Retired'])),
  'GET is_action_in_progress': operation('Is the machine with this MAC address busy?', call =>
    statusIn(call, ['Commissioning', 'Deploying']))
}

/** Returns the visible machines that fit the constraints of the query. */
export function listMachines (call: Call): Json {
  return visibleMachines(call)
    .filter(machineFilter(call.query, call, 'list'))
    .map(machine => showMachine(machine, call))
}

/** `nodes/`, and the collections of other kinds of node, which are empty. */
export const nodes: Resource[] = [
  collection('nodes/', 'Nodes', listMachines),
  collection('devices/', 'Devices', () => []),
  collection('rackcontrollers/', 'RackControllers', () => []),
  collection('regioncontrollers/', 'RegionControllers', () => [])
]

function collection (template: string, kind: string, list: Operation['run']): Resource {
  return {
    template,
    anon: { name: 'AnonNodesHandler', doc: 'Anonymous access to Nodes.', operations: anonymousQuestions },
    auth: {
      name: `${kind}Handler`,
      doc: `Manage the collection of all the ${kind}.`,
      operations: { GET: operation(`List ${kind}.`, list), 'GET is_registered': isRegistered }
    }
  }
}

function statusIn ({ store, query }: Call, statuses: Array<Status | undefined>): boolean {
  const mac = mandatoryParameter(query, 'mac_address').toLowerCase()
  return statuses.includes(store.machines.find(({ macs }) => macs.includes(mac))?.status)
}
