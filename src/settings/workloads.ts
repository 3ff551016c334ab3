import type { WorkloadKeys } from './workload-keys.ts'
import { type ListenerReports, problemAbout } from './listener-reports.ts'
import type { Lookup } from './setting-input.ts'
import type { Values } from './table.ts'

/** Which tokens of workloads a listener takes. */
export interface WorkloadSettings {
  readonly keys: WorkloadKeys
  /** CAs to trust at the address of the keys, beside those of the system, in PEM */
  readonly ca: readonly string[]
  /** what their claim `iss` has to be */
  readonly issuer: string
  /** what has to be in their claim `aud` */
  readonly audience: string
}

/** The settings of {@link WorkloadSettings}. */
export type WorkloadValues = Pick<Values, 'clientJwks' | 'clientJwksCaFile' | 'clientJwtIssuer' | 'clientJwtAudience'>

const NAMES = ['clientJwks', 'clientJwtIssuer', 'clientJwtAudience'] as const
const FLAGS = {
  clientJwks: '--client-jwks', clientJwtIssuer: '--client-jwt-issuer', clientJwtAudience: '--client-jwt-audience'
} as const

/**
 * Makes the settings about tokens of workloads.
 * @param values what is set; undefined for one that is not, or is wrong
 * @param lookup finds the inputs of the listener
 * @param reports receive a problem if one of the three is missing: without an audience, a token that a workload has for
 *   another server would be good here
 * @returns null if the listener takes none, or there is a problem
 */
export function readWorkloads (
  values: Partial<WorkloadValues>, lookup: Lookup, reports: ListenerReports
): WorkloadSettings | null {
  const caInput = lookup('clientJwksCaFile')
  const inputs = NAMES.map(name => lookup(name))
  const first = inputs.find(input => input !== undefined) ?? caInput
  if (first === undefined) return null
  const missing = NAMES.filter((_, i) => inputs[i] === undefined).map(name => FLAGS[name])
  if (missing.length > 0) {
    const reason = 'to tell which tokens of workloads are good'
    problemAbout(first, `needs ${missing.join(' and ')} as well, ${reason}`, reports)
    return null
  }
  const { clientJwks: keys, clientJwksCaFile: ca, clientJwtIssuer: issuer, clientJwtAudience: audience } = values
  if (keys === undefined || issuer === undefined || audience === undefined) return null
  if (caInput !== undefined && !('url' in keys)) {
    const remedy = 'leave it out, or give --client-jwks an https address'
    problemAbout(caInput, `has no effect on a file of keys; ${remedy}`, reports)
    return null
  }
  return { keys, ca: ca ?? [], issuer, audience }
}
