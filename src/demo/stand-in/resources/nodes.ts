import type { Status } from '../model.ts'
import type { Json } from '../python.ts'
import { mandatory, operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'
import { showMachine, visibleMachines } from './machine-view.ts'

/** Signed, only a retired machine counts as not registered (maasserver/api/nodes.py). */
export const isRegistered: Operation = operation('Is this MAC address registered?', call => !statusIn(call, [undefined, 'Retired']))

/** The questions an enlisting machine may ask; the second has no signed counterpart. */
export const anonymousQuestions: Record<string, Operation> = {
  'GET is_registered': operation('Is this MAC address registered?', call =>
    !statusIn(call, [undefined, 'New', 'Commissioning', 'Retired'])),
  'GET is_action_in_progress': operation('Is the machine with this MAC address busy?', call => statusIn(call, ['Commissioning', 'Deploying']))
}

/** The machines the query asks for. */
export function listed (call: Call): Json {
  const [hostnames, ids] = [call.query.getlist('hostname'), call.query.getlist('id')]
  return visibleMachines(call)
    .filter(({ hostname, systemId }) => (hostnames.length === 0 || hostnames.includes(hostname)) && (ids.length === 0 || ids.includes(systemId)))
    .map(showMachine)
}

/** `nodes/` and the collections of the other kinds of node, of which there are none here. */
export const nodes: Resource[] = [
  collection('nodes/', 'Nodes', listed),
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
  const mac = mandatory(query, 'mac_address').toLowerCase()
  return statuses.includes(store.machines.find(({ macs }) => macs.includes(mac))?.status)
}
