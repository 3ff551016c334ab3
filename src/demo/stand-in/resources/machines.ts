import { apiException } from '../answers.ts'
import type { Machine } from '../model.ts'
import { repr } from '../python.ts'
import type { Json } from '../python.ts'
import { isFalse, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { createMachine, enlist } from './enlist.ts'
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
          .map(showMachine)),
      POST: operation('Create a machine.', create),
      'POST accept': operation('Accept declared machines.', accept),
      'POST allocate': operation('Allocate a machine.', allocate)
    }
  }
}

/** The observed MAAS had no images to commission with (row "an admin's machine is commissioned at once"). */
const NO_IMAGES = 'Ephemeral operating system ubuntu focal is unavailable.'

function create ({ store, user, data }: Call): Json {
  const created = createMachine(store, data, { requiresArchitecture: false })
  if (user.superuser && !isFalse(data.get('commission'))) {
    store.machines.pop()
    throw apiException(400, NO_IMAGES)
  }
  return showMachine(created)
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

const CONSTRAINTS: Record<string, (machine: Machine, values: string[]) => boolean> = {
  name: ({ hostname }, values) => values.some(name => name === hostname || name === `${hostname}.maas`),
  system_id: ({ systemId }, values) => values.includes(systemId),
  tags: ({ tags }, values) => values.flatMap(value => value.split(/[\s,]+/)).every(tag => tags.includes(tag))
}

/**
 * Allocates a machine. The error prints the constraints as Python and MAAS do (row "POST machines op=allocate,
 * signed").
 */
function allocate (call: Call): Json {
  const asked = call.data.lists().filter(([name]) => name !== 'op')
  const constraints = asked.filter(([name]) => Object.hasOwn(CONSTRAINTS, name))
  const found = visibleMachines(call).find(machine =>
    machine.status === 'Ready' && constraints.every(([name, values]) => CONSTRAINTS[name]?.(machine, values)))
  if (found === undefined) {
    if (constraints.length === 0) throw apiException(409, 'No machine available.')
    const printed = asked.map(([name, values]) => `(${repr(name)}, [${values.map(repr).join(', ')}])`).join(', ')
    const resolved = constraints.map(([name, values]) => `${name}=${values.join(',')}`).join(' ')
    throw apiException(409, `No available machine matches constraints: [${printed}] (resolved to "${resolved}")`)
  }
  if (isFalse(call.form.get('dry_run') ?? 'false')) {
    found.status = 'Allocated'
    found.owner = call.user
  }
  return showMachine(found)
}
