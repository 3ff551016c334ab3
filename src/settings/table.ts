import { parseApiKey } from '../maas/api-key.ts'
import type { Access } from '../maas/access.ts'
import { parseMaasUrl } from '../maas/maas-url.ts'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat } from '../observe/log/logger.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from './anonymous-operations.ts'
import { readCertificates, readPrivateKey } from './certificates.ts'
import { readClientTokens } from './client-tokens.ts'
import { parseGroup, parseListenAddress, parseSocketMode } from './listen.ts'
import { parseKnownRule, readPolicyFile } from './rules.ts'
import { oneOf, parseDuration, parseHostName, parseOrigin, parseSwitch } from './values.ts'

/** One setting: how it is named, read and explained. */
export interface Setting<T> {
  /** as typed, with its dashes; null where a flag would show a secret in `ps` */
  flag: string | null
  env: string
  /** what stands for the value in help; null for a switch, which has none */
  value: string | null
  /** whether it may be given more than once; its variable is split at line breaks and semicolons */
  repeatable: boolean
  /** the words to choose from, where the value is one of a few */
  words?: readonly string[]
  /** read as if it had been given; undefined where the setting may be missing */
  default: string | undefined
  help: string
  /** reads the texts, one unless it is repeatable; throws an Error that says what is wrong, without the name of the setting */
  parse: (texts: readonly string[]) => T
}

/**
 * Every setting, in the order of help and README. The environment's name follows from the flag by rule: `MAAS_PROXY_`,
 * upper case, `_` for `-`; only what names MAAS itself leaves `PROXY_` out.
 */
export const SETTINGS = {
  maasUrl: optional('--maas-url', 'MAAS_URL', 'URL', 'where MAAS is: http(s)://host[:port]/MAAS; required', parseMaasUrl),
  apiKey: optional(null, 'MAAS_API_KEY', 'KEY', 'the API key, consumer:token:secret; no flag, because flags show in ps', parseApiKey),
  apiKeyFile: optional('--api-key-file', 'MAAS_API_KEY_FILE', 'FILE', 'file that holds the API key', asGiven),
  profile: optional('--profile', envOf('--profile'), 'NAME', 'profile of the maas CLI to take address, key and CA from', asGiven),
  config: optional('--config', envOf('--config'), 'FILE', 'YAML or JSON file that describes several listeners, in place of all other settings', asGiven),
  listen: list('--listen', 'ADDRESS', '127.0.0.1:5241', 'host:port, :port, port or unix:PATH; port 0 takes a free one', parseListenAddress),
  socketMode: withDefault('--socket-mode', 'MODE', '0600', 'mode of the file of a unix socket', parseSocketMode),
  socketGroup: optional('--socket-group', envOf('--socket-group'), 'GROUP', 'group of the file of a unix socket, by name or number', parseGroup),
  allowNonLoopback: toggle('--allow-non-loopback', 'listen on an address that other machines reach'),
  allowHost: list('--allow-host', 'NAME', undefined, 'a further name that clients may use in Host, or * for any', parseHostName),
  allowOrigin: list('--allow-origin', 'ORIGIN', undefined, 'origin of web pages that may use the proxy', parseOrigin),
  clientTokenFile: optional('--client-token-file', envOf('--client-token-file'), 'FILE', 'file with a line NAME TOKEN for each client; then every request needs a token', readClientTokens),
  noClientAuth: toggle('--no-client-auth', 'listen beyond loopback without client tokens'),
  caFile: optional('--ca-file', envOf('--ca-file'), 'FILE', 'certificates in PEM to trust for MAAS, beside those of the system', readCertificates),
  insecureSkipTlsVerify: toggle('--insecure-skip-tls-verify', 'send the API key to whoever answers at the address of MAAS'),
  clientCertFile: optional('--client-cert-file', envOf('--client-cert-file'), 'FILE', 'certificate in PEM to show to MAAS, if it asks for one', readCertificates),
  clientKeyFile: optional('--client-key-file', envOf('--client-key-file'), 'FILE', 'private key in PEM that belongs to it', readPrivateKey),
  readOnly: toggle('--read-only', 'GET and HEAD only, without the reads that have an effect'),
  allow: list('--allow', 'RULE', undefined, 'operations to allow, and with that no others', parseKnownRule),
  deny: list('--deny', 'RULE', undefined, 'operations to refuse, even if they are allowed', parseKnownRule),
  policy: optional('--policy', envOf('--policy'), 'FILE', 'JSON file with further rules: {"allow": [...], "deny": [...]}', readPolicyFile),
  policyMode: choice('--policy-mode', 'MODE', ['enforce', 'warn'], 'enforce', 'enforce, or warn: only log what rules would refuse'),
  allowCredentialOperations: toggle('--allow-credential-operations', 'allow operations that hand out, mint, rename or revoke credentials'),
  dualOperations: choice<Access>('--dual-operations', 'ACCESS', ['signed', 'anonymous'], 'signed', 'signed or anonymous: how operations go that MAAS serves to anyone with another effect'),
  anonymousOperations: withDefault('--anonymous-operations', 'FILE', SHIPPED_ANONYMOUS_OPERATIONS, 'table of the operations that MAAS serves to anyone, in place of the shipped one', readAnonymousOperations),
  adminListen: optional('--admin-listen', envOf('--admin-listen'), 'ADDRESS', 'where /-/live, /-/ready and /-/metrics are served by themselves, to anyone who asks', parseListenAddress),
  connectTimeoutMs: withDefault('--connect-timeout', 'TIME', '10s', 'how long MAAS may take to accept a connection', parseDuration),
  responseTimeoutMs: withDefault('--response-timeout', 'TIME', '900s', 'how long MAAS may take to answer, as long as its own nginx waits', parseDuration),
  shutdownDelayMs: optional('--shutdown-delay', envOf('--shutdown-delay'), 'TIME', 'how long to serve on after SIGTERM or SIGINT while /-/ready says no, so that a balancer turns away first', parseDuration),
  drainTimeoutMs: withDefault('--drain-timeout', 'TIME', '30s', 'how long requests may take to end after SIGTERM or SIGINT', parseDuration),
  idleExitMs: optional('--idle-exit', envOf('--idle-exit'), 'TIME', 'end when no client was connected for so long; with sockets from systemd, which starts it again', parseDuration),
  logLevel: choice('--log-level', 'LEVEL', LOG_LEVELS, 'info', LOG_LEVELS.join(', ')),
  logFormat: choice<LogFormat | 'auto'>('--log-format', 'FORMAT', [...LOG_FORMATS, 'auto'], 'auto', 'json, pretty, or auto: pretty on a terminal'),
  envFile: optional('--env-file', 'MAAS_PROXY_ENV_FILE', 'FILE', 'file with further variables; .env, if there', asGiven)
} as const

export type SettingName = keyof typeof SETTINGS

/** The value of every setting, undefined where it was not given and has no default. */
export type Values = { [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never }

function withDefault<T> (flag: string, value: string, defaultText: string, help: string, parse: (text: string) => T): Setting<T> {
  return { flag, env: envOf(flag), value, repeatable: false, default: defaultText, help, parse: ([text = '']) => parse(text) }
}

function choice<const Word extends string> (flag: string, value: string, words: readonly Word[], defaultText: Word, help: string): Setting<Word> {
  return { ...withDefault(flag, value, defaultText, help, oneOf(words)), words }
}

function optional<T> (flag: string | null, env: string, value: string, help: string, parse: (text: string) => T): Setting<T | undefined> {
  return { flag, env, value, repeatable: false, default: undefined, help, parse: ([text = '']) => parse(text) }
}

function toggle (flag: string, help: string): Setting<boolean> {
  return { flag, env: envOf(flag), value: null, repeatable: false, default: 'false', help, parse: ([text = '']) => parseSwitch(text) }
}

/** A setting that may be given more than once; without a default it is an empty list. */
function list<T> (flag: string, value: string, defaultText: string | undefined, help: string, parse: (text: string) => T): Setting<T[]> {
  return { flag, env: envOf(flag), value, repeatable: true, default: defaultText ?? '', help, parse: texts => nonEmpty(texts).map(parse) }
}

/** @throws Error if something was given, and it is nothing: for a list of rules that must not mean "no rules" */
function nonEmpty (texts: readonly string[]): readonly string[] {
  const given = texts.filter(text => text.trim() !== '')
  if (texts.length > 0 && given.length === 0) throw new Error('is empty; give it a value, or leave it out')
  return given
}

function envOf (flag: string): string {
  return `MAAS_PROXY_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`
}

function asGiven (text: string): string {
  return text
}
