import { inspect } from 'node:util'

/** A proxy through which MAAS is reached. It prints as its origin, so that no log shows its password. */
export class EgressProxy {
  /** scheme, host and port: `http://proxy.example:3128` */
  readonly origin: string
  readonly #credentials: string | null

  /**
   * @param origin scheme, host and port
   * @param credentials `user:password`, decoded; null if the proxy needs none
   */
  constructor (origin: string, credentials: string | null) {
    this.origin = origin
    this.#credentials = credentials
  }

  /** The value of `Proxy-Authorization` (RFC 7617 §2), a secret; null if the proxy needs none. */
  get authorization (): string | null {
    return this.#credentials === null ? null : `Basic ${Buffer.from(this.#credentials).toString('base64')}`
  }

  toString (): string { return this.origin }
  toJSON (): string { return this.origin }
  [inspect.custom] (): string { return this.origin }
}
