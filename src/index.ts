import type { FastifyPluginAsync } from 'fastify'
import { plugin } from './library/plugin.ts'
import type { MaasAuthProxyOptions } from './library/options.ts'
import { parseApiKey } from './maas/api-key.ts'
import { createSigner as createKeySigner } from './maas/sign.ts'

// The package as a library. Nothing happens when it is imported.

export type { MaasAuthProxyOptions } from './library/options.ts'
export { SettingsError } from './settings/settings-error.ts'

/**
 * A plugin for Fastify 5 that serves the API of MAAS below `/MAAS/` of your own server, signed with a key that only the server holds, with the
 * guards, rules and errors of the program `maas-auth-proxy`.
 *
 * ```js
 * await app.register(maasAuthProxy, { maasUrl: 'https://maas.example:5443/MAAS', apiKeyFile: '/etc/maas-api-key', readOnly: true })
 * ```
 *
 * - It has a scope of its own: nothing of it gets into yours. Of yours, hooks run for its requests as for any others, before anything is sent to MAAS: that
 *   is the place to ask who somebody is. Errors of your hooks go to your error handler. What hooks do to answers (`onSend`, `reply.header`) does not
 *   reach those of MAAS, which pass as they are; `onResponse` runs.
 * - Bodies stream through unparsed, however long, whatever parsers you have. A request whose target was rewritten (`rewriteUrl`), or whose body a hook has read
 *   (`preParsing`), is answered with 500 and `MAAS_PROXY_REQUEST_ALTERED`, and nothing is sent.
 * - `Host` must be a loopback name or one of `allowHost`; a request of a web page must come from your server's own origin or one of `allowOrigin`. Where the
 *   server listens beyond loopback, whoever reaches it has the power of the key, as far as the rules go, unless your hooks or `clientTokenFile` ask
 *   who it is; that is warned of.
 * - It is registered once, and without a prefix, since clients of MAAS use absolute paths. It needs HTTP/1.1, with or without TLS.
 * - It logs to the log of your server: a record `request` for each, unless `accessLog` is false, a record `audit` for each write, and what an operator should know. Key files and
 *   connections to MAAS are let go when the server closes, after its last answer.
 *
 * @throws {@link SettingsError} at registration, with everything that is wrong with the options
 */
export const maasAuthProxy: FastifyPluginAsync<MaasAuthProxyOptions> = plugin

/** What a signer may be given. */
export interface SignerOptions {
  /** The time in whole seconds since the epoch; that of the system unless given. MAAS refuses what is more than 300 s behind its own clock. */
  now?: (() => number) | undefined
}

/**
 * Makes a function that returns a fresh value for `Authorization` with every call, for scripts that ask MAAS themselves:
 *
 * ```js
 * const sign = createSigner(key)
 * await fetch('https://maas.example:5443/MAAS/api/2.0/machines/', { headers: { Authorization: sign() } })
 * ```
 *
 * - The value *contains the token secret* (OAuth 1.0 PLAINTEXT, RFC 5849 section 3.4.4): never log it, and send it to MAAS alone, by https. `fetch` would
 *   follow a redirect with the same value: say `redirect: 'error'`.
 * - Each value is good for one request: MAAS refuses one that it has seen, so call again before you send anything again.
 * - It needs no URL and no body, but nothing guards what you send: no rules, no masking of answers. The plugin has those.
 *
 * @param apiKey `consumer:token:secret`, as MAAS shows it
 * @throws Error if it is none; the key is not repeated
 */
export function createSigner (apiKey: string, { now }: SignerOptions = {}): () => string {
  return createKeySigner(parseApiKey(apiKey), now)
}
