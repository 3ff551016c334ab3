import { systemdCredential } from './systemd-credential.ts'
import { type Profile, readProfile, readProfiles } from './profile.ts'
import type { Lookup } from '../setting-input.ts'
import type { Environment } from '../../environment.ts'
import { quote } from '../values.ts'
import type { SettingsReport } from '../report.ts'

/** A profile of the `maas` CLI that is used, and how it came to that. */
export interface ChosenProfile extends Profile {
  /** as the user would name it */
  source: string
  rank: number
}

/** What is found without being asked for gives way to all that was set. */
const FOUND_RANK = 3

/**
 * The profile that was asked for; or, where nothing was said of MAAS and of a key, the only one there is, so that whoever has
 * logged in with the `maas` CLI types one word. It brings address, key and CA together: a key goes to its own MAAS.
 * @param report receives the messages
 */
export async function chooseProfile (given: Lookup, environment: Environment, report: SettingsReport): Promise<ChosenProfile | null> {
  const asked = given('profile')
  try {
    if (asked === undefined) return await findOnlyProfile(given, environment, report)
    const url = given('maasUrl')
    const key = (['apiKey', 'apiKeyFile'] as const).map(given).find(key => key !== undefined && key.rank < asked.rank)
    if (key !== undefined) report.problem(`${asked.source} and ${key.source}: contradict each other, a profile brings its own key; keep one`)
    if (url !== undefined && url.rank <= asked.rank) report.problem(`${asked.source} and ${url.source}: contradict each other, a profile brings its own address; keep one`)
    return { ...await readProfile(asked.texts[0] as string, environment), source: asked.source, rank: asked.rank }
  } catch (error) {
    report.problem(`${asked?.source ?? 'MAAS_URL'}: ${(error as Error).message}`)
    return null
  }
}

async function findOnlyProfile (given: Lookup, environment: Environment, report: SettingsReport): Promise<ChosenProfile | null> {
  if ((['maasUrl', 'apiKey', 'apiKeyFile'] as const).some(name => given(name) !== undefined) || systemdCredential(environment) !== undefined) return null
  const profiles = environment['HOME'] ? await readProfiles(environment) : []
  const [only] = profiles
  if (only === undefined) return null
  if (profiles.length > 1) throw new Error(`not set, and the maas CLI has several profiles: ${profiles.map(({ name }) => quote(name)).join(', ')}; choose one with --profile`)
  report.notice(`using the only profile of the maas CLI, ${quote(only.name)} of ${only.path}: ${only.maasUrl.href}`)
  return { ...only, source: `the profile ${quote(only.name)}`, rank: FOUND_RANK }
}
