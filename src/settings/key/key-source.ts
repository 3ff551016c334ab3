import { CREDENTIAL, systemdCredential } from './systemd-credential.ts'
import { type ApiKey, parseApiKey } from '../../maas/api-key.ts'
import type { ChosenProfile } from './chosen-profile.ts'
import { readProfile } from './profile.ts'
import { isExplained, notSet } from '../not-set.ts'
import { type Lookup, messageAbout, type SettingInput } from '../setting-input.ts'
import type { Environment } from '../../environment.ts'
import { isReadableByAll, readSettingFile } from '../values.ts'
import type { SettingsReport } from '../report.ts'

/** The source of an API key, from which the key can be read again. */
export interface KeySource {
  /** the file of the key, or the name of the source if it has no file; sources of one key have one id */
  id: string
  /** the key when the settings were read */
  apiKey: ApiKey
  /** the source as the user calls it: `--api-key-file`, `MAAS_API_KEY (.env)` */
  name: string
  /** the file to watch; null for a key that cannot change while the program runs */
  file: string | null
  /** Reads the key again. @throws Error that never repeats a key */
  read: () => Promise<ApiKey>
}

/** A source that may be chosen. */
interface Candidate extends Omit<KeySource, 'apiKey' | 'id'> {
  rank: number
  /** the file that has the key, whether it is watched or not; null if the key is not in a file */
  storedIn: string | null
  /** the key, if it has been read already */
  apiKey?: ApiKey
  /** what names the key, for messages */
  input: Pick<SettingInput, 'source' | 'places'>
}

/** The rank of a credential of systemd: weaker than every input. */
const CREDENTIAL_RANK = 4

/**
 * Chooses the strongest source of a key, and reads the key. Two sources of one strength contradict each other.
 * @param report receives a problem if there is no key or more than one, or if it is for an address from a weaker place,
 *   and a warning for a file that every user may read and for a key of an unusual form
 * @returns undefined if there is no key that can be read
 */
export async function chooseKey (
  lookup: Lookup, environment: Environment, profile: ChosenProfile | null, report: SettingsReport
): Promise<KeySource | undefined> {
  const candidates = findCandidates(lookup, environment, profile)
  const rank = Math.min(...candidates.map(candidate => candidate.rank))
  const [source, ...others] = candidates.filter(candidate => candidate.rank === rank)
  if (source === undefined && isExplained('apiKey', report)) return undefined
  if (source === undefined) {
    report.problem(notSet('apiKey', lookup, environment))
    return undefined
  }
  const { name, file, read, storedIn } = source
  if (others.length > 0) {
    report.problem(`${[source, ...others].map(({ name }) => name).join(' and ')}: both are set; keep one`)
  }
  const address = lookup('maasUrl')
  if (address?.isFound === true && rank < address.rank) {
    const risk = 'the key would go to an address from a file that you did not name'
    report.problem(`${name} and ${address.source}: ${risk}; ` +
      'give MAAS_URL beside the key, or name the file with --env-file')
  }
  const apiKey = source.apiKey ?? await attempt(read, source.input, report)
  if (apiKey === undefined) return undefined
  if (storedIn !== null && isReadableByAll(storedIn)) {
    report.warn(`${name}: every user of this machine may read ${storedIn}; chmod 600 it`)
  }
  if (!apiKey.hasUsualForm) {
    const form = '18, 18 and 32 letters and digits'
    report.warn(`${name}: the key does not have the form of the keys of MAAS (${form}); is it complete?`)
  }
  return { id: file ?? name, apiKey, name, file, read }
}

async function attempt (
  read: () => Promise<ApiKey>, input: Candidate['input'], report: SettingsReport
): Promise<ApiKey | undefined> {
  try {
    return await read()
  } catch (error) {
    report.problem(messageAbout(input, (error as Error).message))
    return undefined
  }
}

function findCandidates (lookup: Lookup, environment: Environment, profile: ChosenProfile | null): Candidate[] {
  const [text, file, credential] = [lookup('apiKey'), lookup('apiKeyFile'), systemdCredential(environment)]
  return [
    ...text === undefined ? [] : [fromText(text)],
    ...file === undefined ? [] : [fromFile(file.texts[0] as string, file)],
    ...profile === null ? [] : [fromProfile(profile, environment)],
    ...credential === undefined
      ? []
      : [fromFile(credential, { source: `the systemd credential ${CREDENTIAL}`, rank: CREDENTIAL_RANK })]
  ]
}

function fromText (input: SettingInput): Candidate {
  const { texts: [text = ''], source, rank, file } = input
  return { input, name: source, file: null, storedIn: file ?? null, rank, read: async () => parseApiKey(text) }
}

function fromFile (path: string, input: Omit<SettingInput, 'texts'>): Candidate {
  const { source, rank } = input
  return { input, name: source, file: path, storedIn: path, rank, read: async () => parseApiKey(readSettingFile(path)) }
}

function fromProfile (profile: ChosenProfile, environment: Environment): Candidate {
  const { name, maasUrl, apiKey, path, source, rank } = profile
  const read = async () => {
    const current = await readProfile(name, environment)
    // The key of another MAAS must not go to this one.
    if (current.maasUrl.origin === maasUrl.origin) return current.apiKey
    throw new Error(`the profile leads to ${current.maasUrl.href} now; restart the proxy to follow it there`)
  }
  return { apiKey, input: { source }, name: source, file: path, storedIn: path, rank, read }
}
