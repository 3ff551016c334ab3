import type { SettingName } from './table.ts'

/** The settings that each listener has for itself: where it listens, who may ask there, for what, and with which key. */
export const LISTENER_SETTINGS = [
  'listen', 'socketMode', 'socketGroup', 'allowNonLoopback', 'allowHost', 'allowOrigin', 'clientTokenFile', 'noClientAuth',
  'readOnly', 'allow', 'deny', 'policy', 'policyMode', 'allowCredentialOperations', 'dualOperations', 'anonymousOperations',
  'apiKey', 'apiKeyFile'
] as const satisfies readonly SettingName[]

/** A setting of a listener; all others are the program's. */
export type ListenerSettingName = typeof LISTENER_SETTINGS[number]

/** Whether each listener has a setting for itself. */
export function isListenerSetting (name: SettingName): name is ListenerSettingName {
  return LISTENER_SETTINGS.some(known => known === name)
}
