import type { Environment } from '../environment.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import type { MaasUrl } from '../maas/maas-url.ts'
import type { ChosenProfile } from './key/chosen-profile.ts'
import { type Profile, readProfile } from './key/profile.ts'
import { readValues } from './read-values.ts'
import { SettingsReport } from './report.ts'
import type { Lookup } from './setting-input.ts'
import type { Values } from './table.ts'
import { checkTls } from './tls.ts'

/** The certificates and the key for TLS to MAAS, in PEM. */
export type TlsFiles = Pick<Values, 'caFile' | 'clientCertFile' | 'clientKeyFile'>

/** The files of the certificates and of the key for TLS to MAAS, from which they can be read again. */
export interface TlsSource {
  /** the files to watch: those of the settings, and the one of the profile */
  files: readonly string[]
  /** Reads the files again. @throws Error with every problem; the message repeats nothing of a key */
  read: () => Promise<TlsFiles>
}

const FILE_SETTINGS = ['caFile', 'clientCertFile', 'clientKeyFile'] as const

/** Where the certificates and the key come from. */
interface TlsInputs {
  program: Lookup
  /** null if no profile is used */
  profile: ChosenProfile | null
  environment: Environment
  maasUrl: MaasUrl
  egress: EgressProxy | null
}

/** Remembers where the certificates and the key for TLS to MAAS come from. */
export function tlsSource ({ program, profile, environment, maasUrl, egress }: TlsInputs): TlsSource {
  const files = FILE_SETTINGS.flatMap(name => program(name)?.texts ?? [])
  const read = async () => {
    const report = new SettingsReport()
    const values = readValues([...FILE_SETTINGS, 'insecureSkipTlsVerify'], program, report)
    const tls = profile === null ? values : withProfile(values, await readProfile(profile.name, environment), maasUrl)
    if (!report.hasProblems) checkTls({ ...tls, maasUrl }, egress, program, report)
    if (report.hasProblems) throw report.toError()
    const { caFile, clientCertFile, clientKeyFile } = tls
    return { caFile, clientCertFile, clientKeyFile }
  }
  return { files: [...files, ...profile === null ? [] : [profile.path]], read }
}

/**
 * Adds the certificates of a profile to those of the settings.
 * @throws Error if the profile leads to another MAAS, whose certificates say nothing about this one
 */
export function withProfile<T extends Pick<TlsFiles, 'caFile'>> (values: T, profile: Profile, maasUrl: MaasUrl): T {
  if (profile.maasUrl.origin !== maasUrl.origin) {
    throw new Error(`the profile leads to ${profile.maasUrl.href} now; restart the proxy to follow it there`)
  }
  if (profile.certificates.length === 0) return values
  return { ...values, caFile: [...values.caFile ?? [], ...profile.certificates] }
}
