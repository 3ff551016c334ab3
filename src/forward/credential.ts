import type { ApiKey } from '../maas/api-key.ts'
import type { MaasClock } from '../maas/clock.ts'
import { createSigner, type Signer } from '../maas/sign.ts'
import { SecretMask } from './secret-mask.ts'
import { WaitingReads } from './waiting-reads.ts'

/** The functions of one key. A request takes both at once, so that a replaced key never mixes with the new one. */
export interface Signing {
  readonly sign: Signer
  /** hides the token secret of the same key */
  readonly secretMask: SecretMask
  /** the reads to sign with this key that wait for their turn, of all listeners */
  readonly waitingReads: WaitingReads
}

/** The API key of a listener, which can be replaced while requests run. */
export class Credential {
  readonly #clock: MaasClock
  #apiKey: ApiKey
  #signing: Signing

  constructor (apiKey: ApiKey, clock: MaasClock) {
    this.#clock = clock
    this.#apiKey = apiKey
    this.#signing = this.#createSigning(apiKey)
  }

  get apiKey (): ApiKey { return this.#apiKey }

  get signing (): Signing { return this.#signing }

  /**
   * Replaces the key for later requests.
   * @returns whether the key is a different one
   */
  replace (apiKey: ApiKey): boolean {
    if (apiKey.equals(this.#apiKey)) return false
    this.#apiKey = apiKey
    this.#signing = this.#createSigning(apiKey)
    return true
  }

  #createSigning (apiKey: ApiKey): Signing {
    return Object.freeze({
      sign: createSigner(apiKey, this.#clock.now),
      secretMask: new SecretMask(apiKey),
      waitingReads: new WaitingReads()
    })
  }
}
