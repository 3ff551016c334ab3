import { suggestion } from '../../text/suggestion.ts'
import { type ApiKey, parseApiKey } from '../../maas/api-key.ts'
import { type MaasUrl, parseMaasUrl } from '../../maas/maas-url.ts'
import { parseCertificates } from '../certificates.ts'
import { readStore, type StoredProfile, storePaths } from './profile-store.ts'
import type { Environment } from '../../environment.ts'
import { quote } from '../values.ts'

/** A profile of the `maas` CLI, as `maas login NAME URL` stored it. */
export interface Profile {
  name: string
  maasUrl: MaasUrl
  apiKey: ApiKey
  /** the certificates of `--cacerts` at the login, in PEM; the CLI trusts no others */
  certificates: string[]
  /** the file of the profile */
  path: string
  /** whether every user of this machine may read that file */
  readableByAll: boolean
}

/**
 * Reads every usable profile. Of two with one name it takes the first, in the order of {@link storePaths}.
 * {@link readProfile} says why a profile is unusable.
 * @param environment the variables, for HOME
 * @throws Error if HOME is not set, or a file cannot be read
 */
export async function readProfiles (environment: Environment): Promise<Profile[]> {
  const profiles = new Map<string, StoredProfile>()
  for await (const profile of storedProfiles(environment)) {
    if (!profiles.has(profile.name)) profiles.set(profile.name, profile)
  }
  return [...profiles.values()].flatMap(profile => {
    try {
      return [parseProfile(profile)]
    } catch {
      return []
    }
  })
}

/**
 * Reads the first profile with a name. It parses no other profile, and reads no file after that one.
 * @param environment the variables, for HOME
 * @throws Error that lists the other profiles if there is none with the name, or says why it is unusable; the message
 *   never repeats a key
 */
export async function readProfile (name: string, environment: Environment): Promise<Profile> {
  const others = new Set<string>()
  for await (const profile of storedProfiles(environment)) {
    if (profile.name === name) return parseProfile(profile)
    others.add(profile.name)
  }
  throw new Error(`there is no profile ${quote(name)}${adviceFor(name, [...others], storePaths(environment))}`)
}

async function * storedProfiles (environment: Environment): AsyncGenerator<StoredProfile> {
  for (const path of storePaths(environment)) yield * await readStore(path)
}

function adviceFor (name: string, others: readonly string[], paths: readonly string[]): string {
  if (others.length === 0) return `, and no other, in ${paths.map(quote).join(' or ')}; maas login makes one`
  const advice = suggestion(quote(name), others.map(quote)) || ';'
  return `${advice} there ${others.length === 1 ? 'is' : 'are'} ${others.map(quote).join(', ')}`
}

/** Parses a stored profile. @throws Error that names the profile, its file and the unusable part */
function parseProfile ({ name, data, path, readableByAll }: StoredProfile): Profile {
  const where = `profile ${quote(name)} of ${quote(path)}`
  const { credentials, url, cacerts } = parseJson(data, where)
  if (credentials === null) {
    throw new Error(`${where}: has no API key, it is an anonymous login; log in again with one`)
  }
  if (!Array.isArray(credentials) || typeof url !== 'string') {
    throw new Error(`${where}: lacks its API key or its URL; log in again`)
  }
  return {
    name,
    maasUrl: within(`${where}: its URL`, () => parseMaasUrl(url)),
    apiKey: within(`${where}: its API key`, () => parseApiKey(credentials.join(':'))),
    // Older versions of the CLI do not store cacerts, later ones may store null.
    certificates: cacerts ? parseCertificates(String(cacerts), `${where}: its cacerts`) : [],
    path,
    readableByAll
  }
}

/** The fields of a profile that the proxy reads, as `maascli/cli.py` writes them. */
interface ProfileData {
  credentials?: unknown
  url?: unknown
  cacerts?: unknown
}

function parseJson (data: string | null, where: string): ProfileData {
  try {
    const value: unknown = JSON.parse(data ?? '')
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // The parser's own message shows a part of the text, which may be of the key.
  }
  throw new Error(`${where}: is damaged, not the JSON that maas login writes; log in again`)
}

function within<T> (where: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`)
  }
}
