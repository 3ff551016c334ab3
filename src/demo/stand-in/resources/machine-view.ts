import { STATUS } from '../model.ts'
import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'
import type { Call } from '../resource.ts'
import { HARDWARE, NOT_TESTED, resultNumbers } from './machine-defaults.ts'
import { showStorage } from './machine-storage.ts'

type Fields = { [name: string]: Json }

/** Whether a user may see a machine: an administrator any, others their own and those without owner. */
export function maySee ({ user }: Call, { owner }: Machine): boolean {
  return user.superuser || owner === null || owner === user
}

/** Returns the machines that the user may see. */
export function visibleMachines (call: Call): Machine[] {
  return call.store.machines.filter(machine => maySee(call, machine))
}

const DOMAIN = { name: 'maas', authoritative: true, ttl: null, is_default: true, id: 0, resource_record_count: 0 }
const ZONE = { name: 'default', description: '', id: 1 }

/** Returns the fields for anonymous callers (maasserver/api/machines.py, DISPLAYED_ANON_MACHINE_FIELDS). */
export function showAnonymously (machine: Machine): Fields {
  return {
    ...common(machine),
    status_message: null,
    status_action: null,
    domain: DOMAIN,
    zone: ZONE,
    resource_uri: uri(machine)
  }
}

/** Returns the fields for signed callers, in the version of the stand-in. */
export function showMachine (machine: Machine, { store: { release } }: Call): Fields {
  const interfaces = machine.macs.map((mac, index) => showInterface(machine, mac, index))
  const isInstalled = machine.series !== null
  return {
    ...common(machine),
    ...statusMessages(machine),
    ...showStorage(machine),
    ...NOT_TESTED,
    ...resultNumbers(machine),
    ...release.machineFields,
    domain: { ...DOMAIN, resource_uri: '/MAAS/api/2.0/domains/0/' },
    zone: { ...ZONE, resource_uri: '/MAAS/api/2.0/zones/default/' },
    pool: { name: 'default', description: 'Default pool', id: 0, resource_uri: '/MAAS/api/2.0/resourcepool/0/' },
    owner: machine.owner?.username ?? null,
    owner_data: {},
    description: machine.description,
    hardware_info: HARDWARE,
    hardware_uuid: null,
    numanode_set: [{ index: 0, memory: 0, cores: [], hugepages_set: [] }],
    enable_hw_sync: false,
    last_sync: null,
    next_sync: null,
    sync_interval: null,
    ephemeral_deploy: false,
    locked: false,
    bios_boot_method: null,
    boot_interface: interfaces[0] as Fields,
    interface_set: interfaces,
    min_hwe_kernel: '',
    hwe_kernel: null,
    cpu_count: machine.cpuCount,
    cpu_speed: 0,
    memory: machine.memory,
    swap_size: null,
    osystem: isInstalled ? 'ubuntu' : '',
    distro_series: machine.series ?? '',
    netboot: !isInstalled,
    tag_names: machine.tags,
    address_ttl: null,
    ip_addresses: [],
    disable_ipv4: false,
    default_gateways: { ipv4: { gateway_ip: null, link_id: null }, ipv6: { gateway_ip: null, link_id: null } },
    node_type_name: 'Machine',
    parent: null,
    pod: null,
    virtualmachine_id: null,
    workload_annotations: {},
    resource_uri: uri(machine)
  }
}

function common (machine: Machine): Fields {
  return {
    system_id: machine.systemId,
    hostname: machine.hostname,
    fqdn: `${machine.hostname}.maas`,
    architecture: machine.architecture,
    node_type: 0,
    status: STATUS[machine.status],
    status_name: machine.status,
    power_type: machine.powerType,
    power_state: machine.powerState
  }
}

/** The last event. MAAS asks the BMC of a machine from time to time, and nobody can reach it. */
function statusMessages ({ hasRack, powerType, hostname, owner }: Machine): Fields {
  if (hasRack || powerType === '') return { status_message: null, status_action: null }
  const who = owner === null ? '' : `(${owner.username}) - `
  const action = "Failed to query node's BMC"
  return { status_message: `${action} - ${who}${noRack(hostname)}`, status_action: action }
}

/** What MAAS says if no rack controller can reach the BMC of a machine. */
export function noRack (hostname: string): string {
  return `No rack controllers can access the BMC of node ${hostname}`
}

function showInterface ({ id, systemId, hasLink }: Machine, mac: string, index: number): Fields {
  const number = id * 10 + index
  return {
    id: number,
    name: `eth${index}`,
    type: 'physical',
    mac_address: mac,
    enabled: true,
    link_connected: true,
    link_speed: 0,
    interface_speed: 0,
    effective_mtu: 1500,
    sriov_max_vf: 0,
    numa_node: 0,
    vlan: null,
    links: hasLink ? [{ id: number, mode: 'auto' }] : [],
    discovered: null,
    children: [],
    parents: [],
    tags: [],
    params: {},
    vendor: null,
    product: null,
    firmware_version: null,
    system_id: systemId,
    resource_uri: `/MAAS/api/2.0/nodes/${systemId}/interfaces/${number}/`
  }
}

function uri ({ systemId }: Machine): string {
  return `/MAAS/api/2.0/machines/${systemId}/`
}
