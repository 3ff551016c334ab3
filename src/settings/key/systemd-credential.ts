import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../environment.ts'

/** The name of systemd's credential (`LoadCredential=` of systemd.exec(5)), a file in the directory that systemd names. */
export const CREDENTIAL = 'maas-api-key'

/** The file of systemd's credential, if there is one. */
export function systemdCredential ({ CREDENTIALS_DIRECTORY: directory }: Environment): string | undefined {
  const path = directory === undefined ? undefined : join(directory, CREDENTIAL)
  return path !== undefined && existsSync(path) ? path : undefined
}
