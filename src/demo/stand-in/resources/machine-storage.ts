import type { Machine } from '../model.ts'
import type { Json } from '../python.ts'

type Fields = { [name: string]: Json }

/** The size of a disk in bytes, and what MAAS keeps of it for the partition table. */
const DISK_BYTES = 20_000_000_000
const RESERVED_BYTES = 9_947_136

/** Returns the storage of a machine: one unused disk, or none. */
export function showStorage (machine: Machine): Fields {
  const disks = machine.hasDisk ? [showDisk(machine)] : []
  return {
    storage: disks.length * DISK_BYTES / 1e6,
    boot_disk: disks[0] ?? null,
    blockdevice_set: disks,
    physicalblockdevice_set: disks,
    virtualblockdevice_set: [],
    special_filesystems: [],
    volume_groups: [],
    raids: [],
    bcaches: [],
    cache_sets: []
  }
}

function showDisk ({ id, systemId }: Machine): Fields {
  return {
    id,
    name: 'sda',
    path: '/dev/disk/by-dname/sda',
    id_path: '',
    type: 'physical',
    model: 'm',
    serial: `s${id}`,
    firmware_version: null,
    numa_node: 0,
    block_size: 512,
    size: DISK_BYTES,
    used_size: 0,
    available_size: DISK_BYTES - RESERVED_BYTES,
    used_for: 'Unused',
    partition_table_type: null,
    partitions: [],
    filesystem: null,
    storage_pool: null,
    uuid: null,
    tags: [],
    system_id: systemId,
    resource_uri: `/MAAS/api/2.0/nodes/${systemId}/blockdevices/${id}/`
  }
}
