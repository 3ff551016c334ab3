import type { Resource } from '../resource.ts'
import { account } from './account.ts'
import { file, files } from './files.ts'
import { machine } from './machine.ts'
import { machines } from './machines.ts'
import { nodes } from './nodes.ts'
import { tag, tags } from './tags.ts'
import { user, users } from './users.ts'
import { version } from './version.ts'

/** Every resource of the stand-in. */
export const resources: readonly Resource[] = [
  account, file, files, machine, machines, ...nodes, tag, tags, user, users, version
]
