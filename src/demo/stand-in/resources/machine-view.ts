import { STATUS } from '../model.ts'
import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'
import type { Call } from '../resource.ts'

/** Returns the machines that a user may see: all for an administrator, else the user's own and those without owner. */
export function visibleMachines ({ store, user }: Call): Machine[] {
  return store.machines.filter(machine => user.superuser || machine.owner === null || machine.owner === user)
}

/** Returns the 13 fields for anonymous callers (maasserver/api/machines.py, DISPLAYED_ANON_MACHINE_FIELDS). */
export function showAnonymously (machine: Machine): { [name: string]: Json } {
  return {
    status_message: null,
    domain: {
      name: 'maas',
      authoritative: true,
      ttl: null,
      is_default: true,
      id: 0,
      resource_record_count: 0,
      resource_uri: '/MAAS/api/2.0/domains/0/'
    },
    architecture: machine.architecture,
    hostname: machine.hostname,
    fqdn: `${machine.hostname}.maas`,
    status: STATUS[machine.status],
    status_name: machine.status,
    status_action: '',
    power_type: machine.powerType,
    power_state: machine.powerState,
    node_type: 0,
    zone: { name: 'default', description: '', id: 1, resource_uri: '/MAAS/api/2.0/zones/default/' },
    system_id: machine.systemId
  }
}

/** Returns the fields for signed callers: those 13, and the others of a machine without hardware details. */
export function showMachine (machine: Machine): { [name: string]: Json } {
  const { systemId, status } = machine
  const installed = status === 'Deployed' || status === 'Deploying'
  const interfaces: Json[] = machine.macs.map((mac, index) => ({
    id: machine.id * 10 + index,
    name: `eth${index}`,
    type: 'physical',
    mac_address: mac,
    enabled: true,
    links: [],
    system_id: systemId,
    resource_uri: `/MAAS/api/2.0/nodes/${systemId}/interfaces/${machine.id * 10 + index}/`
  }))
  return {
    owner: machine.owner?.username ?? null,
    numanode_set: [{ index: 0, memory: 0, cores: [], hugepages_set: [] }],
    enable_hw_sync: false,
    ...showAnonymously(machine),
    description: machine.description,
    hardware_uuid: null,
    owner_data: {},
    locked: false,
    bios_boot_method: null,
    boot_interface: interfaces[0] as Json,
    interface_set: interfaces,
    min_hwe_kernel: '',
    hwe_kernel: null,
    cpu_count: machine.cpuCount,
    cpu_speed: 0,
    memory: machine.memory,
    swap_size: null,
    storage: 0,
    osystem: installed ? 'ubuntu' : '',
    distro_series: installed ? 'jammy' : '',
    netboot: true,
    tag_names: machine.tags,
    address_ttl: null,
    ip_addresses: [],
    pool: { name: 'default', description: 'Default pool', id: 0, resource_uri: '/MAAS/api/2.0/resourcepool/0/' },
    disable_ipv4: false,
    constraints_by_type: {},
    boot_disk: null,
    blockdevice_set: [],
    physicalblockdevice_set: [],
    virtualblockdevice_set: [],
    special_filesystems: [],
    volume_groups: [],
    raids: [],
    bcaches: [],
    cache_sets: [],
    node_type_name: 'Machine',
    pod: null,
    default_gateways: { ipv4: { gateway_ip: null, link_id: null }, ipv6: { gateway_ip: null, link_id: null } },
    current_commissioning_result_id: null,
    current_testing_result_id: null,
    current_installation_result_id: null,
    hardware_info: {},
    virtualmachine_id: null,
    workload_annotations: {},
    resource_uri: `/MAAS/api/2.0/machines/${systemId}/`
  }
}
