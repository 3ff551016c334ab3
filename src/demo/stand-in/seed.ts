import type { Machine, User } from './model.ts'
import { randomKey } from './random.ts'
import type { Release } from './release.ts'

/**
 * Returns the machines of a new stand-in. The first three are those of the recorded MAAS, which had no rack controller:
 * allocated, in use, and to accept. The fourth is ready, and has all that it takes to deploy it.
 */
export function seedMachines (
  admin: User, { keepsMachineToken, defaultSeries, testedNumbers, hasFirstDisk }: Release
): Machine[] {
  return [
    machine({
      id: 1,
      systemId: 'q7mx4e',
      hostname: 'swift-otter',
      macs: ['52:54:00:1c:8e:01'],
      status: 'Allocated',
      owner: admin,
      tags: ['virtual'],
      hasDisk: hasFirstDisk
    }),
    machine({
      id: 2,
      systemId: 'tb3h8w',
      hostname: 'calm-heron',
      macs: ['52:54:00:1c:8e:02'],
      status: 'Deployed',
      owner: admin,
      powerState: 'on',
      series: defaultSeries,
      token: keepsMachineToken ? randomKey() : null
    }),
    machine({
      id: 3,
      systemId: 'k6pd9r',
      hostname: 'brave-lynx',
      macs: ['52:54:00:1c:8e:03'],
      status: 'New',
      results: testedNumbers
    }),
    machine({
      id: 4,
      systemId: 'w8fc3n',
      hostname: 'tidy-badger',
      macs: ['52:54:00:1c:8e:04'],
      status: 'Ready',
      powerState: 'off',
      hasRack: true,
      hasLink: true,
      hasDisk: true
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
    powerState: 'unknown',
    powerParameters: {
      power_address: 'qemu+ssh://maas@hypervisor.example.com/system',
      power_pass: 'bmcsecret',
      power_id: values.hostname
    },
    hasRack: false,
    hasLink: false,
    hasDisk: false,
    series: null,
    results: null,
    cpuCount: 4,
    memory: 8192,
    token: null,
    ...values
  }
}
