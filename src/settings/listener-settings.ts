import type { SettingName } from './table.ts'

/** The settings that each listener has for itself: its address, its clients, its policy and its key. */
export const LISTENER_SETTINGS = [
  'listen', 'socketMode', 'socketGroup',
  'allowNonLoopback', 'tlsCertFile', 'tlsKeyFile',
  'allowHost', 'allowOrigin', 'clientTokenFile', 'clientCaFile',
  'clientJwks', 'clientJwksCaFile', 'clientJwtIssuer', 'clientJwtAudience', 'noClientAuth',
  'readOnly', 'allow', 'deny', 'policy', 'policyMode', 'allowCredentialOperation', 'allowCredentialOperations',
  'dualOperations', 'anonymousOperations',
  'apiKey', 'apiKeyFile'
] as const satisfies readonly SettingName[]

/** The name of a setting of a listener; all others are settings of the program. */
export type ListenerSettingName = typeof LISTENER_SETTINGS[number]

/** Whether a setting is one of a listener. */
export function isListenerSetting (name: SettingName): name is ListenerSettingName {
  return LISTENER_SETTINGS.some(known => known === name)
}
