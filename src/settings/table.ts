import { parseApiKey } from '../maas/api-key.ts'
import type { Access } from '../maas/access.ts'
import { parseMaasUrl } from '../maas/maas-url.ts'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat } from '../observe/logger.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from './anonymous-operations.ts'
import { oneOf, parseDuration, parseListenAddress } from './values.ts'

/** One setting: how it is named, read and explained. */
export interface Setting<T> {
  /** as typed, with its dashes; null where a flag would show a secret in `ps` */
  flag: string | null
  env: string
  /** what stands for the value in help */
  value: string
  /** read as if it had been given; undefined where the setting may be missing */
  default: string | undefined
  help: string
  /** reads the text, or throws an Error that says what is wrong with it, without the name of the setting */
  parse: (text: string) => T
}

/**
 * Every setting, in the order of help and README. The environment's name follows from the flag by rule: `MAAS_PROXY_`,
 * upper case, `_` for `-`; only what names MAAS itself leaves `PROXY_` out.
 */
export const SETTINGS = {
  maasUrl: optional('--maas-url', 'MAAS_URL', 'URL', 'where MAAS is: http(s)://host[:port]/MAAS; required', parseMaasUrl),
  apiKey: optional(null, 'MAAS_API_KEY', 'KEY', 'the API key, consumer:token:secret; no flag, because flags show in ps', parseApiKey),
  apiKeyFile: optional('--api-key-file', 'MAAS_API_KEY_FILE', 'FILE', 'file that holds the API key', asGiven),
  listen: withDefault('--listen', 'ADDRESS', '127.0.0.1:5241', 'host:port, :port or port, on loopback; port 0 takes a free one', parseListenAddress),
  dualOperations: withDefault('--dual-operations', 'ACCESS', 'signed', 'signed or anonymous: how operations go that MAAS serves to anyone with another effect', oneOf<Access>(['signed', 'anonymous'])),
  anonymousOperations: withDefault('--anonymous-operations', 'FILE', SHIPPED_ANONYMOUS_OPERATIONS, 'table of the operations that MAAS serves to anyone, in place of the shipped one', readAnonymousOperations),
  connectTimeoutMs: withDefault('--connect-timeout', 'TIME', '10s', 'how long MAAS may take to accept a connection', parseDuration),
  responseTimeoutMs: withDefault('--response-timeout', 'TIME', '900s', 'how long MAAS may take to answer, as long as its own nginx waits', parseDuration),
  drainTimeoutMs: withDefault('--drain-timeout', 'TIME', '30s', 'how long requests may take to end after SIGTERM or SIGINT', parseDuration),
  logLevel: withDefault('--log-level', 'LEVEL', 'info', LOG_LEVELS.join(', '), oneOf(LOG_LEVELS)),
  logFormat: withDefault('--log-format', 'FORMAT', 'auto', 'json, pretty, or auto: pretty on a terminal', oneOf<LogFormat | 'auto'>([...LOG_FORMATS, 'auto'])),
  envFile: optional('--env-file', 'MAAS_PROXY_ENV_FILE', 'FILE', 'file with further variables; .env, if there', asGiven)
} as const

export type SettingName = keyof typeof SETTINGS

/** The value of every setting, undefined where it was not given and has no default. */
export type Values = { [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never }

function withDefault<T> (flag: string, value: string, defaultText: string, help: string, parse: (text: string) => T): Setting<T> {
  return { flag, env: `MAAS_PROXY_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`, value, default: defaultText, help, parse }
}

function optional<T> (flag: string | null, env: string, value: string, help: string, parse: (text: string) => T): Setting<T | undefined> {
  return { flag, env, value, default: undefined, help, parse }
}

function asGiven (text: string): string {
  return text
}
