import { notFound, raised, rc } from '../answers.ts'
import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'
import { randomKey } from '../random.ts'
import { operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'
import { showMachine, visibleMachines } from './machine-view.ts'

/** What one must be to the machine: anyone who sees it, its owner, or an administrator (maasserver/permissions.py). */
type Permission = 'view' | 'edit' | 'admin'

/** `machines/{system_id}/` */
export const machine: Resource = {
  template: 'machines/{system_id}/',
  anon: null,
  auth: {
    name: 'MachineHandler',
    doc: 'Manage an individual machine.',
    operations: {
      GET: on('view', 'Read a machine.', showMachine),
      'GET get_token': on('view', 'Get the token of a machine, null if it was never deployed.', token),
      'GET power_parameters': on('admin', 'Get the power parameters of a machine.', ({ powerParameters }) => powerParameters),
      'GET query_power_state': on('view', 'Ask the BMC for the power state.', ({ powerState }) => ({ state: powerState })),
      'POST deploy': on('edit', 'Deploy a machine.', deploy),
      'POST power_off': on('edit', 'Power off a machine.', found => power(found, 'off')),
      'POST power_on': on('edit', 'Power on a machine.', found => power(found, 'on')),
      'POST release': on('edit', 'Release a machine.', release),
      PUT: on('admin', 'Update a machine.', update),
      DELETE: operation('Delete a machine.', call => {
        call.store.machines.splice(call.store.machines.indexOf(find(call, 'admin')), 1)
        return rc.deleted
      })
    }
  }
}

function on (permission: Permission, doc: string, run: (machine: Machine, call: Call) => Json): Operation {
  return operation(doc, call => run(find(call, permission), call))
}

function find (call: Call, permission: Permission): Machine {
  const found = visibleMachines(call).find(({ systemId }) => systemId === call.args[0])
  if (found === undefined) throw notFound('Machine')
  const may = call.user.superuser || permission === 'view' || (permission === 'edit' && found.owner === call.user)
  // A machine of nobody may be taken by deploying it.
  if (!may && !(permission === 'edit' && found.status === 'Ready')) throw raised(403, '')
  return found
}

function token ({ token }: Machine): Json {
  return token && { token_key: token.key, token_secret: token.secret, consumer_key: token.consumer }
}

function deploy (found: Machine, { user }: Call): Json {
  if (found.status !== 'Ready' && found.status !== 'Allocated') {
    throw raised(409, `Can't deploy a machine that is in the '${found.status}' state`)
  }
  found.owner ??= user
  found.status = 'Deploying'
  found.powerState = 'on'
  found.token ??= randomKey()
  return showMachine(found)
}

/** There is no disk to erase and no BMC to wait for: what MAAS shows as Releasing is over at once. */
function release (found: Machine): Json {
  if (found.status === 'New' || found.status === 'Commissioning' || found.status === 'Retired') {
    throw raised(409, `Machine cannot be released in its current state ('${found.status}').`)
  }
  found.status = 'Ready'
  found.owner = null
  found.powerState = 'off'
  return showMachine(found)
}

function power (found: Machine, state: 'on' | 'off'): Json {
  if (state === 'on' && found.owner === null) throw raised(409, "Can't start machine: it hasn't been allocated.")
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
