import { apiException } from '../answers.ts'
import type { ApiException } from '../answers.ts'
import { repr } from '../python.ts'
import type { Json } from '../python.ts'
import { adminOnly, isFalse, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { createMachine, enlist } from './enlist.ts'
import { describeConstraints, machineFilter } from './filters.ts'
import { showAnonymously, showMachine, visibleMachines } from './machine-view.ts'
import { anonymousQuestions, isRegistered, listMachines } from './nodes.ts'

/** `machines/`: the operations of anonymous callers have other effects than the same ones signed. */
export const machines: Resource = {
  template: 'machines/',
  anon: {
    name: 'AnonMachinesHandler',
    doc: 'Anonymous access to Machines.',
    operations: {
      ...anonymousQuestions,
      POST: operation('Enlist a machine.', call => showAnonymously(enlist(call.store, call.data))),
      'POST accept': operation('Accept a machine: not allowed to anonymous users.', () => {
        throw apiException(401, 'You must be logged in to accept machines.')
      })
    }
  },
  auth: {
    name: 'MachinesHandler',
    doc: 'Manage the collection of all the machines in the MAAS.',
    operations: {
      GET: operation('List machines.', listMachines),
      'GET is_registered': isRegistered,
      'GET list_allocated': operation('List the machines allocated to the user.', call =>
        call.store.machines
          .filter(({ owner, status }) => owner === call.user && status === 'Allocated')
          .map(machine => showMachine(machine, call))),
      POST: operation('Create a machine.', create),
      'POST accept': operation('Accept declared machines.', accept),
      'GET power_parameters': adminOnly('Get the power parameters of machines.', call => {
        const ids = call.query.getlist('id')
        const chosen = call.store.machines.filter(({ systemId }) => ids.length === 0 || ids.includes(systemId))
        return Object.fromEntries(chosen.map(({ systemId, powerParameters }) => [systemId, powerParameters]))
      }),
      'POST accept_all': operation('Accept all declared machines.', () => []),
      'POST allocate': operation('Allocate a machine.', allocate)
    }
  }
}

/** The observed MAAS had no images to commission with (row "an admin's machine is commissioned at once"). */
const NO_IMAGES = 'Ephemeral operating system ubuntu focal is unavailable.'

function create (call: Call): Json {
  const { store, user, data } = call
  const created = createMachine(store, data)
  if (user.superuser && !isFalse(data.get('commission'))) {
    store.machines.pop()
    throw apiException(400, NO_IMAGES)
  }
  return showMachine(created, call)
}

function accept (call: Call): Json {
  const ids = call.form.getlist('machines')
  const unknown = ids.filter(id => !call.store.machines.some(({ systemId }) => systemId === id))
  if (unknown.length > 0) throw apiException(400, `Unknown machine(s): ${unknown.join(', ')}.`)
  if (ids.length > 0 && !call.user.superuser) {
    const list = ids.join(', ')
    throw apiException(403, `You don't have the required permission to accept the following machine(s): ${list}.`)
  }
  const isNew = call.store.machines.some(({ systemId, status }) => status === 'New' && ids.includes(systemId))
  if (isNew) throw apiException(400, NO_IMAGES)
  return []
}

/**
 * Allocates a machine. The error prints the constraints as Python and MAAS do (row "POST machines op=allocate,
 * signed").
 */
function allocate (call: Call): Json {
  const asked = call.data.lists().filter(([name]) => name !== 'op')
  const fits = machineFilter(call.data, call, 'allocate')
  const found = visibleMachines(call).find(machine => machine.status === 'Ready' && fits(machine))
  if (found === undefined) throw notAvailable(asked)
  if (isFalse(call.form.get('dry_run') ?? 'false')) {
    found.status = 'Allocated'
    found.owner = call.user
  }
  return showMachine(found, call)
}

function notAvailable (asked: Array<[string, string[]]>): ApiException {
  const systemId = asked.find(([name]) => name === 'system_id')?.[1].at(-1)
  if (systemId !== undefined) return apiException(409, `No machine with system ID ${systemId} available.`)
  const resolved = describeConstraints(asked)
  if (resolved === '') return apiException(409, 'No machine available.')
  const printed = asked.map(([name, values]) => `(${repr(name)}, [${values.map(repr).join(', ')}])`).join(', ')
  return apiException(409, `No available machine matches constraints: [${printed}] (resolved to "${resolved}")`)
}
