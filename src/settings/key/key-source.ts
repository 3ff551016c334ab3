import { CREDENTIAL, systemdCredential } from './systemd-credential.ts'
import { type ApiKey, parseApiKey } from '../../maas/api-key.ts'
import type { ChosenProfile } from './chosen-profile.ts'
import { readProfile } from './profile.ts'
import type { SettingInput, Lookup } from '../setting-input.ts'
import type { Environment } from '../../environment.ts'
import { attempt, isReadableByAll, readSettingFile } from '../values.ts'
import type { SettingsReport } from '../report.ts'

/** Where an API key comes from, so that it can be read again when it has changed. */
export interface KeySource {
  /** the same for sources of the same key: its file, or its name where there is none */
  id: string
  apiKey: ApiKey
  /** as the user would name it: `--api-key-file`, `MAAS_API_KEY (.env)` */
  name: string
  /** the file to watch; null for a key that cannot change while the program runs */
  file: string | null
  /** Reads the key anew. @throws Error that says what is wrong and never repeats a key */
  read: () => Promise<ApiKey>
}

/** A source that may be taken; one that has been read already brings its key along. */
type Candidate = Omit<KeySource, 'apiKey' | 'id'> & { apiKey?: ApiKey, rank: number, /** the file that it stands in, whether that is watched or not */ heldBy: string | null }

/** What is only lent by the surroundings gives way to all that was set. */
const LENT_RANK = 4

/**
 * The key from the strongest source. Two of the same strength are a contradiction that only the user can solve.
 * @param report receives the messages
 */
export async function chooseKey (given: Lookup, environment: Environment, profile: ChosenProfile | null, report: SettingsReport): Promise<KeySource | undefined> {
  const [text, file, credential] = [given('apiKey'), given('apiKeyFile'), systemdCredential(environment)]
  const candidates = [
    ...text === undefined ? [] : [fromText(text)],
    ...file === undefined ? [] : [fromFile(file.texts[0] as string, file.source, file.rank)],
    ...profile === null ? [] : [fromProfile(profile, environment)],
    ...credential === undefined ? [] : [fromFile(credential, `the systemd credential ${CREDENTIAL}`, LENT_RANK)]
  ]
  const rank = Math.min(...candidates.map(candidate => candidate.rank))
  const [source, ...others] = candidates.filter(candidate => candidate.rank === rank)
  if (source === undefined) report.problem('MAAS_API_KEY: not set; set it, or name a file that holds the key with --api-key-file, or a profile of the maas CLI with --profile')
  if (source === undefined) return undefined
  if (others.length > 0) report.problem(`${[source, ...others].map(({ name }) => name).join(' and ')}: both are set; keep one`)
  const apiKey = source.apiKey ?? await attempt(source.read, source.name, report)
  if (apiKey === undefined) return undefined
  if (source.heldBy !== null && isReadableByAll(source.heldBy)) report.warn(`${source.name}: every user of this machine may read ${source.heldBy}; chmod 600 it`)
  if (!apiKey.hasUsualForm) report.warn(`${source.name}: the key does not have the form of the keys of MAAS (18, 18 and 32 letters and digits); is it complete?`)
  return { id: source.file ?? source.name, apiKey, name: source.name, file: source.file, read: source.read }
}

function fromText ({ texts: [text = ''], source, rank, file }: SettingInput): Candidate {
  return { name: source, file: null, heldBy: file ?? null, rank, read: async () => parseApiKey(text) }
}

function fromFile (path: string, source: string, rank: number): Candidate {
  return { name: source, file: path, heldBy: path, rank, read: async () => parseApiKey(readSettingFile(path)) }
}

function fromProfile ({ name, apiKey, path, source, rank }: ChosenProfile, environment: Environment): Candidate {
  return { apiKey, name: source, file: path, heldBy: path, rank, read: async () => (await readProfile(name, environment)).apiKey }
}
