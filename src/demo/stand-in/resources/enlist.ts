import { invalidForm } from '../answers.ts'
import type { Fields } from '../fields.ts'
import type { Machine } from '../model.ts'
import { machine } from '../seed.ts'
import type { Store } from '../store.ts'

/**
 * Creates a machine in the state New from a form (maasserver/api/machines.py, create_machine).
 * @throws ApiException with a 400 if the form is invalid
 */
export function createMachine (
  store: Store, data: Fields, { requiresArchitecture }: { requiresArchitecture: boolean }
): Machine {
  const macs = data.getlist('mac_addresses').map(mac => mac.toLowerCase())
  const architecture = fixArchitecture(data)
  if (macs.length === 0) throw invalidForm({ mac_addresses: 'This field is required.' })
  if (requiresArchitecture && architecture === '') throw invalidForm({ architecture: 'This field is required.' })
  const holder = store.machines.find(other => other.macs.some(mac => macs.includes(mac)))
  if (holder !== undefined) {
    throw invalidForm({ mac_addresses: `MAC address ${macs[0]} already in use on ${holder.hostname}.` })
  }
  const id = 1 + Math.max(0, ...store.machines.map(other => other.id))
  const created = machine({
    id,
    systemId: `n${id.toString(36).padStart(5, '0')}`,
    hostname: data.get('hostname') || `new-machine-${id}`,
    macs,
    status: 'New',
    architecture,
    powerType: data.get('power_type') ?? '',
    powerState: 'unknown',
    powerParameters: {}
  })
  store.machines.push(created)
  return created
}

/** Creates an enlisting machine, or updates a known one (row "POST machines, anonymous, same MAC again"). */
export function enlist (store: Store, data: Fields): Machine {
  const macs = data.getlist('mac_addresses').map(mac => mac.toLowerCase())
  const known = store.machines.find(({ status, macs: own }) =>
    (status === 'New' || status === 'Commissioning') && own.some(mac => macs.includes(mac)))
  if (known === undefined) return createMachine(store, data, { requiresArchitecture: true })
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
