import type { ApiKey } from '../maas/api-key.ts'
import type { MaasClock } from '../maas/clock.ts'
import { createSigner, type Signer } from '../maas/sign.ts'
import { createSecretMask, type SecretMask } from './secret-mask.ts'

/** What a request needs of a key. Both are taken together, once, so that a request is wholly of the old key or wholly of the new. */
export interface Signing {
  readonly sign: Signer
  readonly maskSecret: SecretMask
}

/** An API key in use, which can be replaced while requests run. */
export class Credential {
  readonly #clock: MaasClock
  #apiKey: ApiKey
  #signing: Signing

  constructor (apiKey: ApiKey, clock: MaasClock) {
    this.#clock = clock
    this.#apiKey = apiKey
    this.#signing = this.#signWith(apiKey)
  }

  get apiKey (): ApiKey { return this.#apiKey }

  get signing (): Signing { return this.#signing }

  /** Takes a key for all requests from now on. @returns whether it is another one */
  replace (apiKey: ApiKey): boolean {
    if (apiKey.equals(this.#apiKey)) return false
    this.#apiKey = apiKey
    this.#signing = this.#signWith(apiKey)
    return true
  }

  #signWith (apiKey: ApiKey): Signing {
    return Object.freeze({ sign: createSigner(apiKey, this.#clock.now), maskSecret: createSecretMask(apiKey) })
  }
}
