import type { Machine, User } from './model.ts'
import { randomKey } from './random.ts'

/** The machines a fresh stand-in shows: one to allocate, one in use, one that waits to be accepted. */
export function seedMachines (admin: User): Machine[] {
  return [
    machine({ id: 1, systemId: 'q7mx4e', hostname: 'swift-otter', macs: ['52:54:00:1c:8e:01'], status: 'Ready', tags: ['virtual'] }),
    machine({
      id: 2,
      systemId: 'tb3h8w',
      hostname: 'calm-heron',
      macs: ['52:54:00:1c:8e:02'],
      status: 'Deployed',
      owner: admin,
      powerState: 'on',
      token: randomKey()
    }),
    machine({
      id: 3,
      systemId: 'k6pd9r',
      hostname: 'brave-lynx',
      macs: ['52:54:00:1c:8e:03'],
      status: 'New',
      powerType: '',
      powerParameters: {}
    })
  ]
}

/** A machine with the values most machines have. */
export function machine (known: Pick<Machine, 'id' | 'systemId' | 'hostname' | 'macs' | 'status'> & Partial<Machine>): Machine {
  return {
    description: '',
    architecture: 'amd64/generic',
    owner: null,
    tags: [],
    powerType: 'virsh',
    powerState: 'off',
    powerParameters: { power_address: 'qemu+ssh://maas@hypervisor.example.com/system', power_id: known.hostname },
    cpuCount: 4,
    memory: 8192,
    token: null,
    ...known
  }
}
