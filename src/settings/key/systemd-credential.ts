import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../environment.ts'

/** The name of the systemd credential with the API key (`LoadCredential=` of systemd.exec(5)). */
export const CREDENTIAL = 'maas-api-key'

/** The path of the systemd credential; undefined if there is none. */
export function systemdCredential ({ CREDENTIALS_DIRECTORY: directory }: Environment): string | undefined {
  const path = directory === undefined ? undefined : join(directory, CREDENTIAL)
  return path !== undefined && existsSync(path) ? path : undefined
}
