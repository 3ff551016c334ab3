import type { SettingsReport } from '../settings/report.ts'
import { gatherVariables } from '../settings/sources.ts'
import type { SettingInput, Lookup } from '../settings/setting-input.ts'
import { suggestion } from '../text/suggestion.ts'
import { type SettingName, SETTINGS } from '../settings/table.ts'

/**
 * How requests below `/MAAS/` are guarded, signed and sent. Each option is the setting whose flag it is called after, in camelCase, with the same
 * meaning, default and checks (`apiKey` is `MAAS_API_KEY`); messages call settings by their flags.
 */
export interface MaasAuthProxyOptions {
  /** Where MAAS is: `http(s)://host[:port]/MAAS`. Required, unless a profile says it. */
  maasUrl?: string | undefined
  /** The API key, `consumer:token:secret`. It cannot change while the server runs; better name a file, which keeps it out of the program too. */
  apiKey?: string | undefined
  /** File that holds the API key. It is watched: a new key is used from the next request on, one that is broken changes nothing. */
  apiKeyFile?: string | undefined
  /** Profile of the `maas` CLI to take address, key and CA from. It is found by the `HOME` of {@link MaasAuthProxyOptions.env}. */
  profile?: string | undefined
  /** Names beside `localhost`, `127.0.0.1` and `[::1]` that clients may use in `Host`: those under which your server is reached; `*` for any. */
  allowHost?: string | readonly string[] | undefined
  /** Origins of web pages that may use the proxy. No CORS header is added for them. */
  allowOrigin?: string | readonly string[] | undefined
  /** File with a line `NAME TOKEN` for each client; then every request below `/MAAS/` needs a token. */
  clientTokenFile?: string | undefined
  /** File with certificates in PEM to trust for MAAS, beside those of the system. */
  caFile?: string | undefined
  /** Send the API key to whoever answers at the address of MAAS. It is warned of at every start. */
  insecureSkipTlsVerify?: boolean | undefined
  /** File with the certificate in PEM to show to MAAS, if it asks for one. */
  clientCertFile?: string | undefined
  /** File with the private key in PEM of the certificate in --client-cert-file. */
  clientKeyFile?: string | undefined
  /** GET and HEAD only, without the reads that have an effect. */
  readOnly?: boolean | undefined
  /** Operations to allow, and with that no others: `METHOD[,METHOD] PATH[?op=NAME]`. */
  allow?: string | readonly string[] | undefined
  /** Operations to refuse, even if they are allowed. */
  deny?: string | readonly string[] | undefined
  /** JSON file with further rules: `{"allow": [...], "deny": [...]}`. */
  policy?: string | undefined
  /** `warn` only logs what rules would refuse. */
  policyMode?: 'enforce' | 'warn' | undefined
  /** Allow operations that hand out, mint, rename or revoke credentials. */
  allowCredentialOperations?: boolean | undefined
  /** How operations go that MAAS serves to anyone with another effect. */
  dualOperations?: 'signed' | 'anonymous' | undefined
  /** JSON file with the operations that MAAS serves to anyone, in place of the shipped one. */
  anonymousOperations?: string | undefined
  /** How long MAAS may take to accept a connection: a text with a unit, `'10s'`, or milliseconds. */
  connectTimeout?: string | number | undefined
  /** How long MAAS may take to answer: a text with a unit, `'900s'`, or milliseconds. */
  responseTimeout?: string | number | undefined
  /**
   * Variables to look for settings that are not among the options, as the program does in its own: pass `process.env` for that. Without it nothing is
   * read from the environment but what TLS reads in every program of node, `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Whether each request gets a record `request` in the log of your server, without any secret; true unless said. */
  accessLog?: boolean | undefined
}

/** What is an option of the library alone. */
type OwnOption = 'env' | 'accessLog'

/** The options that are settings, and which. */
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
  allowCredentialOperations: 'allowCredentialOperations',
  dualOperations: 'dualOperations',
  anonymousOperations: 'anonymousOperations',
  connectTimeout: 'connectTimeoutMs',
  responseTimeout: 'responseTimeoutMs'
} as const satisfies Record<Exclude<keyof MaasAuthProxyOptions, OwnOption>, SettingName>

const OWN_OPTIONS: ReadonlySet<string> = new Set<OwnOption>(['env', 'accessLog'])

/** What Fastify's `register` takes for itself. */
const REGISTER_OPTIONS: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

const KNOWN = [...Object.keys(OPTIONS), ...OWN_OPTIONS]

/**
 * Reads the options as settings, so that the same is made of them as of flags: options > variables of `env` > default.
 * @param report receives the messages
 */
export function readOptions (options: MaasAuthProxyOptions, report: SettingsReport): Lookup {
  const given = new Map<SettingName, SettingInput>()
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || OWN_OPTIONS.has(option) || REGISTER_OPTIONS.has(option)) continue
    const name = Object.hasOwn(OPTIONS, option) ? OPTIONS[option as keyof typeof OPTIONS] : undefined
    const texts = name === undefined ? null : textsOf(name, value)
    if (name === undefined) report.problem(`${option}: no such option${suggestion(option, KNOWN)}`)
    else if (texts === null) report.problem(`${option}: takes ${kindOf(name)}`)
    else given.set(name, { texts, source: option, rank: 0 })
  }
  if (typeof (options.accessLog ?? true) !== 'boolean') report.problem('accessLog: takes true or false')
  const fromVariables = gatherVariables(options.env ?? {}, report)
  const settings: readonly SettingName[] = Object.values(OPTIONS)
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const variable = settings.includes(name) ? undefined : fromVariables(name)
    if (variable !== undefined) report.problem(`${variable.source}: is a setting of the program maas-auth-proxy, and means nothing in another server`)
  }
  return name => given.get(name) ?? (settings.includes(name) ? fromVariables(name) : undefined)
}

/** The texts that a flag would have for a value; null for a value of the wrong type. */
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
  return placeholder === 'TIME' ? 'a text such as 10s, or milliseconds' : repeatable ? 'a text or a list of texts' : 'a text'
}
