import { systemdCredential } from './systemd-credential.ts'
import { type Profile, readProfile, readProfiles } from './profile.ts'
import { type Lookup, messageAbout } from '../setting-input.ts'
import type { Environment } from '../../environment.ts'
import { quote } from '../values.ts'
import type { SettingsReport } from '../report.ts'

/** The profile of the `maas` CLI in use, and the input that chose it. */
export interface ChosenProfile extends Profile {
  /** the source as the user calls it */
  source: string
  rank: number
}

/** The rank of a profile that the user did not name: weaker than every input. */
const FOUND_RANK = 3

/**
 * Chooses the profile: the one that the user named, or the only one if there is no input about MAAS or a key. So a user
 * of the `maas` CLI needs no settings. A profile has address, key and CA together, because a key belongs to its own
 * MAAS.
 * @param report receives a problem for an unusable profile or a contradicting setting, and a notice about a profile
 *   that the user did not name
 * @returns null if no profile is used
 */
export async function chooseProfile (
  lookup: Lookup, environment: Environment, report: SettingsReport
): Promise<ChosenProfile | null> {
  const input = lookup('profile')
  try {
    if (input === undefined) return await findOnlyProfile(lookup, environment, report)
    const { texts: [name = ''], source, rank } = input
    const url = lookup('maasUrl')
    const key = (['apiKey', 'apiKeyFile'] as const).map(lookup).find(key => key !== undefined && key.rank < rank)
    if (key !== undefined) {
      report.problem(`${source} and ${key.source}: contradict each other, a profile brings its own key; keep one`)
    }
    if (url !== undefined && url.rank <= rank) {
      report.problem(`${source} and ${url.source}: contradict each other, a profile brings its own address; keep one`)
    }
    return { ...await readProfile(name, environment), source, rank }
  } catch (error) {
    const { message } = error as Error
    report.problem(input === undefined ? `MAAS_URL: ${message}` : messageAbout(input, message))
    report.excuse('profile')
    return null
  }
}

async function findOnlyProfile (
  lookup: Lookup, environment: Environment, report: SettingsReport
): Promise<ChosenProfile | null> {
  const hasInput = (['maasUrl', 'apiKey', 'apiKeyFile'] as const).some(name => lookup(name) !== undefined)
  if (hasInput || systemdCredential(environment) !== undefined) return null
  const profiles = environment['HOME'] ? await readProfiles(environment) : []
  const [only] = profiles
  if (only === undefined) return null
  const names = profiles.map(({ name }) => quote(name)).join(', ')
  if (profiles.length > 1) {
    throw new Error(`not set, and the maas CLI has several profiles: ${names}; choose one with --profile`)
  }
  report.notice(`using the only profile of the maas CLI, ${names} of ${only.path}: ${only.maasUrl.href}`)
  return { ...only, source: `the profile ${names}`, rank: FOUND_RANK }
}
