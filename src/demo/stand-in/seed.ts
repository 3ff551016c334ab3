import type { Machine, User } from './model.ts'
import { randomKey } from './random.ts'

/** Returns the machines of a new stand-in: one to allocate, one in use, one to accept. */
export function seedMachines (admin: User): Machine[] {
  return [
    machine({
      id: 1,
      systemId: 'q7mx4e',
      hostname: 'swift-otter',
      macs: ['52:54:00:1c:8e:01'],
      status: 'Ready',
      tags: ['virtual']
    }),
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

/** The values of a machine that have no default. */
type MachineValues = Pick<Machine, 'id' | 'systemId' | 'hostname' | 'macs' | 'status'> & Partial<Machine>

/** Creates a machine, with defaults for values that are not given. */
export function machine (values: MachineValues): Machine {
  return {
    description: '',
    architecture: 'amd64/generic',
    owner: null,
    tags: [],
    powerType: 'virsh',
    powerState: 'off',
    powerParameters: { power_address: 'qemu+ssh://maas@hypervisor.example.com/system', power_id: values.hostname },
    cpuCount: 4,
    memory: 8192,
    token: null,
    ...values
  }
}
