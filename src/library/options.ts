import type { FastifyRequest } from 'fastify'
import type { SettingsReport } from '../settings/report.ts'
import { gatherVariables } from '../settings/sources.ts'
import type { SettingInput, Lookup } from '../settings/setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from '../settings/table.ts'

/**
 * The options of the plugin. An option has the name of a setting's flag in camelCase, and its meaning, default and
 * checks; `apiKey` is `MAAS_API_KEY`. Messages name settings by their flags.
 */
export interface MaasAuthProxyOptions {
  /** Address of MAAS: `http(s)://host[:port]/MAAS`. Required without a profile. */
  maasUrl?: string | undefined
  /**
   * API key, `consumer:token:secret`. It cannot change while the server runs. A file is better: it can change, and
   * keeps the key out of the program.
   */
  apiKey?: string | undefined
  /**
   * File that holds the API key. It is watched: a valid new key signs the next request, an invalid one changes nothing.
   */
  apiKeyFile?: string | undefined
  /** Profile of the `maas` CLI to take address, key and CA from, below `HOME` of {@link MaasAuthProxyOptions.env}. */
  profile?: string | undefined
  /**
   * Names that clients may use in `Host`, beside `localhost`, `127.0.0.1` and `[::1]`: the names of your server, or `*`
   * for any.
   */
  allowHost?: string | readonly string[] | undefined
  /** Origins of web pages that may use the proxy. The proxy adds no CORS headers for them. */
  allowOrigin?: string | readonly string[] | undefined
  /** File with a line `NAME TOKEN` for each client; then every request below `/MAAS/` needs a token. */
  clientTokenFile?: string | undefined
  /** File with certificates in PEM to trust for MAAS, beside those of the system. */
  caFile?: string | undefined
  /** Whether to send the API key to whoever answers at the address of MAAS. It logs a warning at every start. */
  insecureSkipTlsVerify?: boolean | undefined
  /** File with the certificate in PEM to show to MAAS, if it asks for one. */
  clientCertFile?: string | undefined
  /** File with the private key in PEM of that certificate. */
  clientKeyFile?: string | undefined
  /** Whether to allow GET and HEAD only, without the reads that have an effect. */
  readOnly?: boolean | undefined
  /** Operations to allow, as `METHOD[,METHOD] PATH[?op=NAME]`; all others are refused. */
  allow?: string | readonly string[] | undefined
  /** Operations to refuse, even if they are allowed. */
  deny?: string | readonly string[] | undefined
  /** JSON file with further rules: `{"allow": [...], "deny": [...]}`. */
  policy?: string | undefined
  /** `enforce`, or `warn`, which only logs what rules would refuse. */
  policyMode?: 'enforce' | 'warn' | undefined
  /** Guarded operations to let pass one by one: `GET machines/*?op=power_parameters`, for example. */
  allowCredentialOperation?: string | readonly string[] | undefined
  /** Whether to allow operations that hand out, mint, rename or revoke credentials, all of them. */
  allowCredentialOperations?: boolean | undefined
  /** How to send operations that MAAS serves to anyone, but with another effect. */
  dualOperations?: 'signed' | 'anonymous' | undefined
  /** JSON file with the operations that MAAS serves to anyone, in place of the shipped one. */
  anonymousOperations?: string | undefined
  /** How long MAAS may take to accept a connection: a text with a unit, `'10s'`, or milliseconds. */
  connectTimeout?: string | number | undefined
  /** How long MAAS may take to answer: a text with a unit, `'900s'`, or milliseconds. */
  responseTimeout?: string | number | undefined
  /** Maximum number of requests that MAAS works on at once; the others wait. Default: the number of connections. */
  maxMaasRequests?: string | number | undefined
  /** Whether identical reads that wait because of `maxMaasRequests` share a request. */
  shareReads?: boolean | undefined
  /** How long a request may wait for its turn: a text with a unit, `'30s'`, or milliseconds. */
  queueTimeout?: string | number | undefined
  /** How long a client may send nothing of a body that is waited for: a text with a unit, `'60s'`, or milliseconds. */
  clientBodyTimeout?: string | number | undefined
  /**
   * Names the user that a hook of your server has authenticated, for the log, the audit and a fair share of the
   * connections. It runs after the `onRequest` hooks that were added before the plugin. A user that it names needs no
   * client token, and has the rules of the client of that name in the file of tokens; null leaves the request to the
   * tokens, or without a name. An error that it throws is the answer, as that of a hook.
   */
  client?: ((request: FastifyRequest) => string | null) | undefined
  /**
   * Variables to read as settings where an option is missing, as the program does: `process.env`, for example. Without
   * them only Node reads the environment, for TLS: `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Whether the log of your server gets a record `request` for each request, without secrets. Default: true. */
  accessLog?: boolean | undefined
}

/** The options that are not settings. */
type OwnOption = 'env' | 'accessLog' | 'client'

/** The settings of the other options. */
const OPTIONS = {
  maasUrl: 'maasUrl',
  apiKey: 'apiKey',
  apiKeyFile: 'apiKeyFile',
  profile: 'profile',
  allowHost: 'allowHost',
  allowOrigin: 'allowOrigin',
  clientTokenFile: 'clientTokenFile',
  caFile: 'caFile',
  insecureSkipTlsVerify: 'insecureSkipTlsVerify',
  clientCertFile: 'clientCertFile',
  clientKeyFile: 'clientKeyFile',
  readOnly: 'readOnly',
  allow: 'allow',
  deny: 'deny',
  policy: 'policy',
  policyMode: 'policyMode',
  allowCredentialOperation: 'allowCredentialOperation',
  allowCredentialOperations: 'allowCredentialOperations',
  dualOperations: 'dualOperations',
  anonymousOperations: 'anonymousOperations',
  connectTimeout: 'connectTimeoutMs',
  responseTimeout: 'responseTimeoutMs',
  maxMaasRequests: 'maxMaasRequests',
  shareReads: 'shareReads',
  queueTimeout: 'queueTimeoutMs',
  clientBodyTimeout: 'clientBodyTimeoutMs'
} as const satisfies Record<Exclude<keyof MaasAuthProxyOptions, OwnOption>, SettingName>

const OWN_OPTIONS: ReadonlySet<string> = new Set<OwnOption>(['env', 'accessLog', 'client'])

/** The options that Fastify's `register` reads. */
const REGISTER_OPTIONS: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

const KNOWN_OPTIONS = [...Object.keys(OPTIONS), ...OWN_OPTIONS]

/**
 * Reads the options as inputs of settings. Precedence: options > variables of `env` > defaults.
 * @param report receives a problem for an unknown option, a value of the wrong type, and a variable of a setting that
 *   the library does not have
 */
export function readOptions (options: MaasAuthProxyOptions, report: SettingsReport): Lookup {
  const inputs = new Map<SettingName, SettingInput>()
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || OWN_OPTIONS.has(option) || REGISTER_OPTIONS.has(option)) continue
    const name = Object.hasOwn(OPTIONS, option) ? OPTIONS[option as keyof typeof OPTIONS] : undefined
    const texts = name === undefined ? null : textsOf(name, value)
    if (name === undefined) report.problem(`${option}: no such option${suggestion(option, KNOWN_OPTIONS)}`)
    else if (texts === null) report.problem(`${option}: takes ${kindOf(name)}`)
    else inputs.set(name, { texts, source: option, rank: 0 })
  }
  if (typeof (options.accessLog ?? true) !== 'boolean') report.problem('accessLog: takes true or false')
  if (options.client !== undefined && typeof options.client !== 'function') {
    report.problem('client: takes a function that returns a name or null')
  }
  const fromVariables = gatherVariables(options.env ?? {}, report)
  const settings: readonly SettingName[] = Object.values(OPTIONS)
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const variable = settings.includes(name) ? undefined : fromVariables(name)
    if (variable === undefined) continue
    const reason = 'is a setting of the program maas-auth-proxy, and means nothing in another server'
    report.problem(`${variable.source}: ${reason}`)
  }
  return name => inputs.get(name) ?? (settings.includes(name) ? fromVariables(name) : undefined)
}

/** The texts of a value, as flags would have them; null for a value of the wrong type. */
function textsOf (name: SettingName, value: unknown): readonly string[] | null {
  const { repeatable, value: placeholder } = SETTINGS[name]
  if (placeholder === null) return typeof value === 'boolean' ? [String(value)] : null
  if (placeholder === 'TIME' && typeof value === 'number') return [`${value}ms`]
  if (typeof value === 'string') return [value]
  if (!repeatable || !Array.isArray(value) || !value.every(entry => typeof entry === 'string')) return null
  return value.length === 0 ? [''] : value // an empty list of rules must not mean "no rules"
}

function kindOf (name: SettingName): string {
  const { repeatable, value: placeholder } = SETTINGS[name]
  if (placeholder === null) return 'true or false'
  if (placeholder === 'TIME') return 'a text such as 10s, or milliseconds'
  return repeatable ? 'a text or a list of texts' : 'a text'
}
