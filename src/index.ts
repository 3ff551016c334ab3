import type { FastifyPluginAsync } from 'fastify'
import { plugin } from './library/plugin.ts'
import type { MaasAuthProxyOptions } from './library/options.ts'
import { type ApiKey, parseApiKey } from './maas/api-key.ts'
import { createSigner as createKeySigner } from './maas/sign.ts'
import { SettingsError } from './settings/settings-error.ts'

// The package as a library. Nothing happens when it is imported.

export type { MaasAuthProxyOptions } from './library/options.ts'
export { SettingsError } from './settings/settings-error.ts'

/**
 * A plugin for Fastify 5 that serves the API of MAAS below `/MAAS/` of your own server. It signs requests with a key
 * that only the server holds, and has the guards, rules and errors of the program `maas-auth-proxy`.
 *
 * ```js
 * const options = { maasUrl: 'https://maas.example:5443/MAAS', apiKeyFile: '/etc/maas-api-key', readOnly: true }
 * await app.register(maasAuthProxy, options)
 * ```
 *
 * - The plugin has a scope of its own and adds nothing to yours. Your hooks run for its requests as for all others,
 *   before anything is sent to MAAS, so they can check who the client is. Your error handler gets the errors of your
 *   hooks. Changes to answers (`onSend`, `reply.header`) do not reach the answers of MAAS, which pass unchanged.
 *   `onResponse` runs.
 * - Bodies of any length stream through unparsed, whatever parsers you have. A request is answered with 500 and
 *   `MAAS_PROXY_REQUEST_ALTERED`, and nothing is sent, if `rewriteUrl` changed its target or a `preParsing` hook read
 *   its body.
 * - `Host` must be a loopback name or one of `allowHost`. A request of a web page must come from your server's own
 *   origin or one of `allowOrigin`. If the server listens beyond loopback, every client has the power of the key
 *   within the rules, unless your hooks or `clientTokenFile` check clients. The plugin warns of that.
 * - Register it once, and without a prefix, because clients of MAAS use absolute paths. It needs HTTP/1.1, with or
 *   without TLS.
 * - It logs to the log of your server: a record `request` for each request, unless `accessLog` is false, a record
 *   `audit` for each write, and messages for operators. It closes its connections to MAAS and stops watching key
 *   files when the server closes, after its last answer.
 *
 * @throws {@link SettingsError} at registration, with every problem of the options
 */
export const maasAuthProxy: FastifyPluginAsync<MaasAuthProxyOptions> = plugin

/** The options of a signer. */
export interface SignerOptions {
  /**
   * The time in whole seconds since the epoch; by default that of the system. MAAS refuses a time that is more than 300
   * s behind its own.
   */
  now?: (() => number) | undefined
}

/**
 * Makes a function that returns a new value for `Authorization` at every call, for scripts that call MAAS themselves:
 *
 * ```js
 * const sign = createSigner(key)
 * await fetch('https://maas.example:5443/MAAS/api/2.0/machines/', { headers: { Authorization: sign() } })
 * ```
 *
 * - The value *contains the token secret* (OAuth 1.0 PLAINTEXT, RFC 5849 section 3.4.4). Never log it, and send it
 *   only to MAAS, by https. `fetch` would follow a redirect with the same value: set `redirect: 'error'`.
 * - A value is good for one request, because MAAS refuses a nonce that it has seen. Call again before you send again.
 * - The value depends on neither URL nor body. Nothing guards what you send: rules and masking of answers are parts
 *   of the plugin.
 *
 * @param apiKey the key, `consumer:token:secret`, as MAAS shows it
 * @throws {@link SettingsError} if the key does not have that form; the message does not repeat it
 */
export function createSigner (apiKey: string, { now }: SignerOptions = {}): () => string {
  return createKeySigner(readKey(apiKey), now)
}

/** Parses the key that a program passed, which may be an unset variable. */
function readKey (apiKey: unknown): ApiKey {
  if (typeof apiKey !== 'string') {
    const found = apiKey === undefined
      ? 'undefined, perhaps a variable that is not set'
      : `of the type ${typeof apiKey}`
    throw new SettingsError([`createSigner: takes the API key as a text, consumer:token:secret; it is ${found}`])
  }
  try {
    return parseApiKey(apiKey)
  } catch (error) {
    throw new SettingsError([`createSigner: ${(error as Error).message}`])
  }
}
