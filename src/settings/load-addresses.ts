import type { Environment } from '../environment.ts'
import type { ListenAddress } from '../listen/address.ts'
import { readValues } from './read-values.ts'
import { SettingsReport } from './report.ts'
import { readScopes } from './scopes.ts'
import type { Flags } from './setting-input.ts'

/** The addresses of a proxy, for a program that asks it. */
export interface ProxyAddresses {
  /** the address of `--admin-listen` */
  admin: ListenAddress | undefined
  listeners: ListenAddress[]
  /** the listeners with TLS */
  secure: ReadonlySet<ListenAddress>
}

/**
 * Reads the settings of the addresses, and no others.
 * @throws SettingsError with every problem of these settings
 */
export async function loadAddresses (flags: Flags, environment: Environment): Promise<ProxyAddresses> {
  const report = new SettingsReport()
  const { program, listeners } = await readScopes(flags, environment, report)
  const { adminListen } = readValues(['adminListen'], program, report)
  const values = listeners.map(({ lookup }) => (
    { ...readValues(['listen'], lookup, report), isSecure: lookup('tlsCertFile') !== undefined }
  ))
  if (report.hasProblems) throw report.toError()
  return {
    admin: adminListen,
    listeners: values.flatMap(({ listen }) => listen),
    secure: new Set(values.filter(({ isSecure }) => isSecure).flatMap(({ listen }) => listen))
  }
}
