import { invalidForm } from '../answers.ts'
import type { Fields } from '../fields.ts'
import type { Machine } from '../model.ts'
import { machine } from '../seed.ts'
import type { Store } from '../store.ts'
import { architectureError, hostnameError, macError } from './checks.ts'

/**
 * Creates a machine in the state New from a form (maasserver/api/machines.py, create_machine).
 * @throws ApiException with a 400 if the form is invalid
 */
export function createMachine (store: Store, data: Fields): Machine {
  const macs = data.getlist('mac_addresses').map(mac => mac.toLowerCase())
  const architecture = fixArchitecture(data)
  const hostname = data.get('hostname') ?? ''
  const errors = Object.entries({
    architecture: architecture === '' ? 'This field is required.' : architectureError(architecture),
    hostname: hostname === '' ? null : hostnameError(hostname),
    mac_addresses: macs.length === 0 ? 'This field is required.' : macsError(store, macs)
  }).filter((entry): entry is [string, string] => entry[1] !== null)
  if (errors.length > 0) throw invalidForm(Object.fromEntries(errors))
  const id = 1 + Math.max(0, ...store.machines.map(other => other.id))
  const created = machine({
    id,
    systemId: `n${id.toString(36).padStart(5, '0')}`,
    hostname: hostname || `new-machine-${id}`,
    macs,
    status: 'New',
    architecture,
    powerType: data.get('power_type') ?? '',
    powerParameters: {},
    cpuCount: 0,
    memory: 0
  })
  store.machines.push(created)
  return created
}

/** Returns the error of the first MAC address that has one; null if none has. */
function macsError (store: Store, macs: string[]): string | null {
  for (const mac of macs) {
    const holder = store.machines.find(other => other.macs.includes(mac))
    const error = macError(mac) ?? (holder && `MAC address ${mac} already in use on ${holder.hostname}.`)
    if (error) return error
  }
  return null
}

/** Creates an enlisting machine, or updates a known one (row "POST machines, anonymous, same MAC again"). */
export function enlist (store: Store, data: Fields): Machine {
  const macs = data.getlist('mac_addresses').map(mac => mac.toLowerCase())
  const known = store.machines.find(({ status, macs: own }) =>
    (status === 'New' || status === 'Commissioning') && own.some(mac => macs.includes(mac)))
  if (known === undefined) return createMachine(store, data)
  known.architecture = fixArchitecture(data) || known.architecture
  known.powerType = data.get('power_type') ?? known.powerType
  return known
}

/** Returns the architecture with its part after the slash, by default `generic` (maasserver/api/machines.py). */
function fixArchitecture (data: Fields): string {
  const architecture = data.get('architecture') ?? ''
  if (architecture === '' || architecture.includes('/')) return architecture
  return `${architecture}/${data.get('subarchitecture') || 'generic'}`
}
