import type { Operation } from '../../../maas/operations.ts'
import type { Policy, PolicyVerdict } from '../../../policy/policy.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'

/** The policies that decide on the requests of a client, in their order: the listener's, then its own if it has one. */
export function policiesFor ({ policy, clients = [] }: ListenerPolicy, client: string | null): readonly Policy[] {
  const own = clients.find(({ name }) => name === client)?.policy ?? null
  return own === null ? [policy] : [policy, own]
}

/** Decides as admission does: all policies have to allow an operation, and the first that refuses it counts. */
export function decideByAll (policies: readonly Policy[], operation: Operation): PolicyVerdict {
  const verdicts = policies.map(policy => policy.decide(operation))
  return verdicts.find(({ allowed }) => !allowed) ?? verdicts.at(-1) as PolicyVerdict
}
