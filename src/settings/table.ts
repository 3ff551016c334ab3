import { parseApiKey } from '../maas/api-key.ts'
import type { Access } from '../maas/access.ts'
import { parseMaasUrl } from '../maas/maas-url.ts'
import { LOG_FORMATS, LOG_LEVEL_FORMATS, LOG_LEVELS, type LogFormat } from '../observe/log/logger.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from './anonymous-operations.ts'
import { readCertificates, readPrivateKey } from './certificates.ts'
import { CLIENT_SETTINGS } from './client-settings.ts'
import { parseCredentialOperation } from './credential-rules.ts'
import { parseGroup, parseListenAddress, parseSocketMode } from './listen.ts'
import { parseKnownRule, readPolicyFile } from './rules.ts'
import { choice, envOf, inGroup, list, optional, type Setting, toggle, withDefault } from './setting.ts'
import { parseCount, parseDuration } from './values.ts'

/** The maximum of --max-maas-requests: a quarter of the connections. Up to it, a lone client gets every turn. */
const MAX_MAAS_REQUESTS = 64

/**
 * Every setting, in the order of help and README. The name of the variable is the flag in upper case, with
 * `MAAS_PROXY_` before it and `_` for `-`. Variables that other tools for MAAS read too have their names: `MAAS_URL`,
 * `MAAS_API_KEY`.
 */
export const SETTINGS = {
  ...inGroup('MAAS', {
    maasUrl: optional(
      '--maas-url', 'MAAS_URL', 'URL',
      'address of MAAS: http(s)://host[:port]/MAAS; required', parseMaasUrl
    ),
    apiKey: optional(
      null, 'MAAS_API_KEY', 'KEY',
      'the API key, consumer:token:secret; no flag, because flags show in ps', parseApiKey
    ),
    apiKeyFile: optional('--api-key-file', 'MAAS_API_KEY_FILE', 'FILE', 'file that holds the API key', unchanged),
    profile: optional(
      '--profile', envOf('--profile'), 'NAME',
      'profile of the maas CLI to take address, key and CA from', unchanged
    )
  }),
  ...inGroup('files', {
    config: optional(
      '--config', envOf('--config'), 'FILE',
      'YAML or JSON file that describes several listeners, in place of all other settings', unchanged
    )
  }),
  ...inGroup('listening', {
    listen: list(
      '--listen', 'ADDRESS', '127.0.0.1:5241',
      'host:port, :port, port or unix:PATH; port 0 takes a free one', parseListenAddress
    ),
    socketMode: withDefault('--socket-mode', 'MODE', '0600', 'mode of the file of a unix socket', parseSocketMode),
    socketGroup: optional(
      '--socket-group', envOf('--socket-group'), 'GROUP',
      'group of the file of a unix socket, by name or number', parseGroup
    ),
    allowNonLoopback: toggle('--allow-non-loopback', 'listen on an address that other machines can reach'),
    tlsCertFile: optional(
      '--tls-cert-file', envOf('--tls-cert-file'), 'FILE',
      'certificate in PEM to show to clients, with those of its CAs; clients then use https', readCertificates
    ),
    tlsKeyFile: optional(
      '--tls-key-file', envOf('--tls-key-file'), 'FILE',
      'private key in PEM of the certificate in --tls-cert-file', readPrivateKey
    )
  }),
  ...CLIENT_SETTINGS,
  ...inGroup('TLS to MAAS', {
    caFile: optional(
      '--ca-file', envOf('--ca-file'), 'FILE',
      'certificates in PEM to trust for MAAS, beside those of the system', readCertificates
    ),
    insecureSkipTlsVerify: toggle(
      '--insecure-skip-tls-verify',
      'send the API key to whoever answers at the address of MAAS'
    ),
    clientCertFile: optional(
      '--client-cert-file', envOf('--client-cert-file'), 'FILE',
      'certificate in PEM to show to MAAS, if it asks for one', readCertificates
    ),
    clientKeyFile: optional(
      '--client-key-file', envOf('--client-key-file'), 'FILE',
      'private key in PEM of the certificate in --client-cert-file', readPrivateKey
    )
  }),
  ...inGroup('rules', {
    readOnly: toggle('--read-only', 'GET and HEAD only, without the reads that have an effect'),
    allow: list('--allow', 'RULE', undefined, 'operations to allow; all others are refused', parseKnownRule),
    deny: list('--deny', 'RULE', undefined, 'operations to refuse, even if they are allowed', parseKnownRule),
    policy: optional(
      '--policy', envOf('--policy'), 'FILE',
      'JSON file with further rules: {"allow": [...], "deny": [...]}', readPolicyFile
    ),
    policyMode: choice(
      '--policy-mode', 'MODE', ['enforce', 'warn'], 'enforce',
      'enforce, or warn: only log what rules would refuse'
    ),
    learn: optional(
      '--learn', envOf('--learn'), 'FILE',
      'file to record in which operations are asked for, by whom and how often; policy learn makes rules of it',
      unchanged
    ),
    allowCredentialOperation: list(
      '--allow-credential-operation', 'RULE', undefined,
      'one guarded operation to let pass, such as "GET machines/*?op=power_parameters"; rules apply to it as to others',
      parseCredentialOperation
    ),
    allowCredentialOperations: toggle(
      '--allow-credential-operations',
      'allow operations that hand out, mint, rename or revoke credentials, all of them'
    ),
    dualOperations: choice<Access>(
      '--dual-operations', 'ACCESS', ['signed', 'anonymous'], 'signed',
      'signed or anonymous: how to send operations that MAAS serves to anyone, but with another effect'
    ),
    anonymousOperations: withDefault(
      '--anonymous-operations', 'FILE', SHIPPED_ANONYMOUS_OPERATIONS,
      'table of the operations that MAAS serves to anyone, in place of the shipped one', readAnonymousOperations
    )
  }),
  ...inGroup('listening', {
    adminListen: optional(
      '--admin-listen', envOf('--admin-listen'), 'ADDRESS',
      'address for operators: a page at / and /-/live, /-/ready, /-/metrics, to anyone', parseListenAddress
    )
  }),
  ...inGroup('MAAS', {
    maxMaasRequests: optional(
      '--max-maas-requests', envOf('--max-maas-requests'), 'N',
      'how many requests MAAS works on at once for this proxy; the others wait. A region works on four a worker',
      text => parseCount(text, MAX_MAAS_REQUESTS)
    ),
    shareReads: toggle(
      '--share-reads',
      'send one request for identical reads that wait because of --max-maas-requests; never an answer begun before'
    )
  }),
  ...inGroup('times', {
    connectTimeoutMs: withDefault(
      '--connect-timeout', 'TIME', '10s',
      'how long MAAS may take to accept a connection', parseDuration
    ),
    responseTimeoutMs: withDefault(
      '--response-timeout', 'TIME', '900s',
      'how long MAAS may take to answer; its own nginx waits 900s', parseDuration
    ),
    queueTimeoutMs: withDefault(
      '--queue-timeout', 'TIME', '30s',
      'how long a request may wait for its turn while others use all connections to MAAS, or --max-maas-requests',
      parseDuration
    ),
    clientBodyTimeoutMs: withDefault(
      '--client-body-timeout', 'TIME', '60s',
      'how long a client may send nothing of a body that is waited for', parseDuration
    ),
    shutdownDelayMs: optional(
      '--shutdown-delay', envOf('--shutdown-delay'), 'TIME',
      'how long to serve on after SIGTERM or SIGINT while /-/ready says no, so that a load balancer turns away first',
      parseDuration
    ),
    drainTimeoutMs: withDefault(
      '--drain-timeout', 'TIME', '30s',
      'how long requests may take to end after SIGTERM or SIGINT', parseDuration
    ),
    idleExitMs: optional(
      '--idle-exit', envOf('--idle-exit'), 'TIME',
      'exit after this time without client connections; only with sockets from systemd, which starts the proxy again',
      parseDuration
    )
  }),
  ...inGroup('log', {
    logLevel: choice('--log-level', 'LEVEL', LOG_LEVELS, 'info', LOG_LEVELS.join(', ')),
    logFormat: choice<LogFormat | 'auto'>(
      '--log-format', 'FORMAT', [...LOG_FORMATS, 'auto'], 'auto',
      'json, pretty, or auto: pretty on a terminal'
    ),
    logLevelFormat: choice(
      '--log-level-format', 'FORMAT', LOG_LEVEL_FORMATS, 'number',
      'number or name: how a record in JSON says its level, as 30 or as info'
    )
  }),
  ...inGroup('files', {
    envFile: optional(
      '--env-file', 'MAAS_PROXY_ENV_FILE', 'FILE',
      'file with further variables; .env by default, if it exists', unchanged
    )
  })
} as const

/** The name of a setting in code. */
export type SettingName = keyof typeof SETTINGS

/** The value of every setting; undefined for one that has neither an input nor a default. */
export type Values = { [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never }

function unchanged (text: string): string {
  return text
}
