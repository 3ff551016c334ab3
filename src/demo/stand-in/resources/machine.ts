import { apiException, notFound, rc } from '../answers.ts'
import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'
import { randomKey } from '../random.ts'
import { operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'
import { showMachine, visibleMachines } from './machine-view.ts'

/** Who may run an operation: whoever sees the machine, its owner, or an administrator (maasserver/permissions.py). */
type Permission = 'view' | 'edit' | 'admin'

/** `machines/{system_id}/` */
export const machine: Resource = {
  template: 'machines/{system_id}/',
  anon: null,
  auth: {
    name: 'MachineHandler',
    doc: 'Manage an individual machine.',
    operations: {
      GET: machineOperation('view', 'Read a machine.', showMachine),
      'GET get_token': machineOperation('view', 'Get the token of a machine, null if it was never deployed.', token),
      'GET power_parameters': machineOperation('admin', 'Get the power parameters of a machine.', found => (
        found.powerParameters
      )),
      'GET query_power_state': machineOperation('view', 'Ask the BMC for the power state.', found => (
        { state: found.powerState }
      )),
      'POST deploy': machineOperation('edit', 'Deploy a machine.', deploy),
      'POST power_off': machineOperation('edit', 'Power off a machine.', found => power(found, 'off')),
      'POST power_on': machineOperation('edit', 'Power on a machine.', found => power(found, 'on')),
      'POST release': machineOperation('edit', 'Release a machine.', release),
      PUT: machineOperation('admin', 'Update a machine.', update),
      DELETE: operation('Delete a machine.', call => {
        call.store.machines.splice(call.store.machines.indexOf(find(call, 'admin')), 1)
        return rc.deleted
      })
    }
  }
}

function machineOperation (
  permission: Permission, doc: string, run: (machine: Machine, call: Call) => Json
): Operation {
  return operation(doc, call => run(find(call, permission), call))
}

function find (call: Call, permission: Permission): Machine {
  const found = visibleMachines(call).find(({ systemId }) => systemId === call.args[0])
  if (found === undefined) throw notFound('Machine')
  const may = call.user.superuser || permission === 'view' || (permission === 'edit' && found.owner === call.user)
  // Anyone who sees a machine without owner may deploy it.
  if (!may && !(permission === 'edit' && found.status === 'Ready')) throw apiException(403, '')
  return found
}

function token ({ token }: Machine): Json {
  return token && { token_key: token.key, token_secret: token.secret, consumer_key: token.consumer }
}

function deploy (found: Machine, { user }: Call): Json {
  if (found.status !== 'Ready' && found.status !== 'Allocated') {
    throw apiException(409, `Can't deploy a machine that is in the '${found.status}' state`)
  }
  found.owner ??= user
  found.status = 'Deploying'
  found.powerState = 'on'
  found.token ??= randomKey()
  return showMachine(found)
}

/**
 * Releases a machine at once: there is no disk to erase and no BMC to wait for, so MAAS's state Releasing is skipped.
 */
function release (found: Machine): Json {
  if (found.status === 'New' || found.status === 'Commissioning' || found.status === 'Retired') {
    throw apiException(409, `Machine cannot be released in its current state ('${found.status}').`)
  }
  found.status = 'Ready'
  found.owner = null
  found.powerState = 'off'
  return showMachine(found)
}

function power (found: Machine, state: 'on' | 'off'): Json {
  if (state === 'on' && found.owner === null) throw apiException(409, "Can't start machine: it hasn't been allocated.")
  found.powerState = state
  return showMachine(found)
}

function update (found: Machine, { data }: Call): Json {
  found.hostname = data.get('hostname') ?? found.hostname
  found.description = data.get('description') ?? found.description
  found.architecture = data.get('architecture') ?? found.architecture
  found.powerType = data.get('power_type') ?? found.powerType
  return showMachine(found)
}
