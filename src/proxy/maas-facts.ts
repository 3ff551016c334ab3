import type { MaasFacts } from '../maas/hint-row.ts'
import type { Backend } from './backend.ts'
import type { Key } from './key-ring.ts'

/** What is known of MAAS and of the user of a key at any moment. Reading it sends nothing to MAAS. */
export function maasFacts ({ version }: Pick<Backend, 'version'>, { owner }: Pick<Key, 'owner'>): MaasFacts {
  return {
    get version () { return version.lastKnown },
    get isAdmin () { return owner.lastKnown?.isAdmin ?? null }
  }
}
