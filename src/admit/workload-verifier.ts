import { isDeepStrictEqual } from 'node:util'
import type { JWTVerifyGetKey } from 'jose'
import { LruMap } from 'toad-cache'
import { ProxyError } from '../errors.ts'
import { isWorkloadName } from '../settings/client-row.ts'
import type { WorkloadSettings } from '../settings/workloads.ts'
import { describeRefusal } from './workload-refusal.ts'

/** Signatures by a private key. One by a secret (HS256) could be made with a public key as the secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** By how much the clocks of the issuer and of this machine may differ. */
const TOLERANCE_S = 5

/** Maximum number of remembered tokens: more than the workloads of a cluster that use MAAS. */
const MAX_TOKENS = 1000

/** A token that has been verified, by its digest. */
interface VerifiedToken {
  name: string
  /** when it ends, in milliseconds */
  expires: number
}

/** A token in three parts (RFC 7519 §3), of which the last may be missing. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Whether a token may be one of a workload. */
export function isWorkloadToken (token: string): boolean {
  return FORM.test(token)
}

/** Finds the key of a token. */
type Keys = JWTVerifyGetKey & { reload?: () => Promise<void> }

/** Verifies tokens of workloads: of ServiceAccounts of Kubernetes (RFC 7519). It remembers those that are good. */
export class WorkloadVerifier {
  readonly #settings: WorkloadSettings
  readonly #verified = new LruMap<VerifiedToken>(MAX_TOKENS)
  #keys: Keys | null = null

  constructor (settings: WorkloadSettings) {
    this.#settings = settings
  }

  /** Whether it verifies by these settings. A reload that leaves them as they are then fetches no keys. */
  isFor (settings: WorkloadSettings): boolean {
    return isDeepStrictEqual(settings, this.#settings)
  }

  /**
   * Verifies a token.
   * @param digest the digest of the token, by which it is remembered
   * @returns the name of the workload; a promise only if the token is new
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN with the reason, or MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE; of a promise,
   *   as its rejection
   */
  verify (token: string, digest: string): string | Promise<string> {
    const known = this.#verified.get(digest)
    if (known !== undefined && known.expires > Date.now()) return known.name
    return this.#verify(token, digest)
  }

  /** Fetches the keys, if they have an address. @throws ProxyError MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE */
  async prepare (): Promise<void> {
    await (await this.#findKeys()).reload?.()
  }

  async #verify (token: string, digest: string): Promise<string> {
    const { issuer, audience } = this.#settings
    const { jwtVerify } = await import('jose')
    const rules = { issuer, audience, algorithms: ALGORITHMS, clockTolerance: TOLERANCE_S, requiredClaims: ['exp'] }
    const { payload: { sub, exp } } = await jwtVerify(token, await this.#findKeys(), rules).catch((error: unknown) => {
      throw error instanceof ProxyError ? error : describeRefusal(error)
    })
    if (sub === undefined || !isWorkloadName(sub)) throw describeRefusal(null)
    this.#verified.set(digest, { name: sub, expires: (Number(exp) + TOLERANCE_S) * 1000 })
    return sub
  }

  async #findKeys (): Promise<Keys> {
    const { keys, ca } = this.#settings
    const { localKeys, remoteKeys } = await import('./verification-keys.ts')
    this.#keys ??= 'url' in keys ? remoteKeys(keys.url, ca) : localKeys(keys.keys)
    return this.#keys
  }
}
