import { notFound } from '../answers.ts'
import type { Json } from '../python.ts'
import { operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { showMachine } from './machine-view.ts'
import { findMachine } from './machine.ts'

/** The paths that `resource_uri` of a machine's parts lead to, and the machine as a node. */
export const nodeParts: readonly Resource[] = [
  reading('nodes/{system_id}/', 'Node', call => showMachine(findMachine(call, 'view', 'Node'), call)),
  reading('nodes/{system_id}/interfaces/', 'Interfaces', call => partsOf(call, 'interface_set')),
  reading('nodes/{system_id}/interfaces/{id}/', 'Interface', call => findPart(call, 'interface_set', 'Interface')),
  reading('nodes/{system_id}/blockdevices/', 'BlockDevices', call => partsOf(call, 'blockdevice_set')),
  reading('nodes/{system_id}/blockdevices/{id}/', 'BlockDevice', call => (
    findPart(call, 'blockdevice_set', 'PhysicalBlockDevice')
  ))
]

function reading (template: string, name: string, run: (call: Call) => Json): Resource {
  const operations = { GET: operation(`Read ${template}.`, run) }
  return { template, anon: null, auth: { name: `${name}Handler`, doc: `${name} of a machine.`, operations } }
}

type Part = { [name: string]: Json }

function partsOf (call: Call, field: string): Part[] {
  return showMachine(findMachine(call, 'view', 'Node'), call)[field] as Part[]
}

function findPart (call: Call, field: string, model: string): Part {
  const found = partsOf(call, field).find(({ id, name }) => [String(id), name].includes(call.args[1] as string))
  if (found === undefined) throw notFound(model)
  return found
}
