import { Answer, ApiException, apiException, notFound, rc, text } from '../answers.ts'
import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'
import { randomKey } from '../random.ts'
import { formFields, operation } from '../resource.ts'
import type { Call, Operation, Resource } from '../resource.ts'
import { checkHostname, checkSeries } from './checks.ts'
import { maySee, noRack, showMachine } from './machine-view.ts'

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
      'GET details': machineOperation('view', 'Get the details of the hardware, in BSON.', () => (
        new Answer(200, 'application/bson', NO_DETAILS)
      )),
      'GET get_token': machineOperation('view', 'Get the token of a machine, null if it has none.', token),
      'GET power_parameters': machineOperation('admin', 'Get the power parameters of a machine.', found => (
        found.powerParameters
      )),
      'GET query_power_state': machineOperation('view', 'Ask the BMC for the power state.', found => {
        if (!found.hasRack) throw apiException(503, noRack(found.hostname))
        return { state: found.powerState }
      }),
      'POST deploy': machineOperation('edit', 'Deploy a machine.', deploy),
      'POST power_off': machineOperation('edit', 'Power off a machine.', (found, call) => power(found, 'off', call)),
      'POST power_on': machineOperation('edit', 'Power on a machine.', (found, call) => power(found, 'on', call)),
      'POST release': machineOperation('edit', 'Release a machine.', release),
      PUT: machineOperation('admin', 'Update a machine.', update),
      DELETE: operation('Delete a machine.', call => {
        call.store.machines.splice(call.store.machines.indexOf(findMachine(call, 'admin')), 1)
        return rc.deleted
      })
    }
  }
}

/** The BSON of `{ lldp: null, lshw: null }`. */
const NO_DETAILS = Buffer.from('\x11\0\0\0\x0alldp\0\x0alshw\0\0', 'latin1')

function machineOperation (
  permission: Permission, doc: string, run: (machine: Machine, call: Call) => Answer | Json
): Operation {
  return operation(doc, call => run(findMachine(call, permission), call))
}

/**
 * Finds the machine of a path.
 * @throws NotFound or ApiException if it is not there, or the user may not do this
 */
export function findMachine (call: Call, permission: Permission, model = 'Machine'): Machine {
  const found = call.store.machines.find(({ systemId }) => systemId === call.args[0])
  if (found === undefined) throw notFound(model)
  const may = call.user.superuser || (permission === 'view' && maySee(call, found)) ||
    (permission === 'edit' && found.owner === call.user)
  // Anyone who sees a machine without owner may deploy it.
  if (!may && !(permission === 'edit' && found.status === 'Ready')) throw apiException(403, '')
  return found
}

function token ({ token }: Machine): Json {
  return token && { token_key: token.key, token_secret: token.secret, consumer_key: token.consumer }
}

/** Deploys a machine. As in MAAS, it reads a form only, so the fields of a JSON body have no effect. */
function deploy (found: Machine, call: Call): Json {
  const { user, form, store: { release } } = call
  if (found.status !== 'Ready' && found.status !== 'Allocated') {
    throw apiException(409, `Can't deploy a machine that is in the '${found.status}' state`)
  }
  const series = checkSeries(form.get('distro_series'), release)
  if (!found.hasLink) throw release.notDeployable()
  found.owner ??= user
  found.status = 'Deploying'
  found.powerState = 'on'
  found.series = series
  found.token ??= randomKey()
  return showMachine(found, call)
}

/**
 * Releases a machine at once: there is no disk to erase and no BMC to wait for, so MAAS's state Releasing is skipped.
 */
function release (found: Machine, call: Call): Json {
  if (found.status === 'New' || found.status === 'Commissioning' || found.status === 'Retired') {
    throw apiException(409, `Machine cannot be released in its current state ('${found.status}').`)
  }
  if (found.status !== 'Ready') checkRack(found)
  found.status = 'Ready'
  found.owner = null
  found.powerState = 'off'
  found.series = null
  return showMachine(found, call)
}

function power (found: Machine, state: 'on' | 'off', call: Call): Json {
  if (state === 'on' && found.owner === null) throw apiException(409, "Can't start node: it hasn't been allocated.")
  if (state === 'on' && !found.hasLink) throw call.store.release.notDeployable()
  checkRack(found)
  found.powerState = state
  return showMachine(found, call)
}

/** Fails after the transaction, in Twisted (maasserver/utils/views.py), if no rack controller can reach the BMC. */
function checkRack ({ hasRack, hostname }: Machine): void {
  if (hasRack) return
  const { status, type, body } = text(503, noRack(hostname))
  throw new ApiException(new Answer(status, type, body, { isBare: true }))
}

function update (found: Machine, call: Call): Json {
  const data = formFields(call)
  found.hostname = checkHostname(data.get('hostname') ?? found.hostname)
  found.description = data.get('description') ?? found.description
  found.architecture = data.get('architecture') ?? found.architecture
  found.powerType = data.get('power_type') ?? found.powerType
  return showMachine(found, call)
}
