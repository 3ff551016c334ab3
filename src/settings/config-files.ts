import type { Lookup, Scopes } from './setting-input.ts'
import { isAddress } from './workload-keys.ts'
import { type SettingName, SETTINGS } from './table.ts'

/** The settings whose values are files that are read at the start, but those of keys and of TLS to MAAS. */
const FILE_SETTINGS: readonly SettingName[] = [
  'config', 'envFile', 'tlsCertFile', 'tlsKeyFile', 'clientTokenFile', 'clientCaFile',
  'clientJwks', 'clientJwksCaFile', 'policy', 'anonymousOperations'
]

/** The files that inputs come from or name; see `ConfigSource.files`. Each is there once. */
export function configFiles ({ program, listeners }: Scopes): readonly string[] {
  const filesOf = (lookup: Lookup) => [
    ...FILE_SETTINGS.flatMap(name => lookup(name)?.texts.filter(text => !isAddress(text)) ?? []),
    ...(Object.keys(SETTINGS) as SettingName[]).flatMap(name => lookup(name)?.file ?? [])
  ]
  const tokenFiles = listeners.flatMap(({ clients }) => clients?.written.flatMap(client => client['token-file'] ?? []))
  const files = [...filesOf(program), ...listeners.flatMap(({ lookup }) => filesOf(lookup)), ...tokenFiles]
  return [...new Set(files.filter(file => file !== undefined))]
}
