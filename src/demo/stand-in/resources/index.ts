import type { Release } from '../release.ts'
import type { Resource } from '../resource.ts'
import { account } from './account.ts'
import { bootResource, bootResources, bootResourceUpload } from './boot-resources.ts'
import { CATALOGUE } from './catalogue.ts'
import { file, files } from './files.ts'
import { machine } from './machine.ts'
import { machines } from './machines.ts'
import { nodeParts } from './node-parts.ts'
import { nodes } from './nodes.ts'
import { script, scripts } from './scripts.ts'
import { tag, tags } from './tags.ts'
import { completeResource } from './unmodelled.ts'
import { user, users } from './users.ts'
import { version } from './version.ts'

/** The resources with a state. */
const OWN: readonly Resource[] = [
  account, bootResource, bootResources, bootResourceUpload, file, files, machine, machines, ...nodes, ...nodeParts,
  script, scripts, tag, tags, user, users
]

/** Returns every resource of a version. */
export function resourcesOf ({ version: full }: Release): Resource[] {
  const rows = CATALOGUE.filter(({ since }) => since === null || full.startsWith(`${since}.`))
  const complete = rows.map(row => completeResource(row, OWN.find(({ template }) => template === row.template)))
  return [...complete, version]
}
