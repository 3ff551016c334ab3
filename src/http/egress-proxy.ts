import { inspect } from 'node:util'

/** A proxy that connections to MAAS go through. It prints as its origin: a password is never shown. */
export class EgressProxy {
  /** scheme, host and port: `http://proxy.example:3128` */
  readonly origin: string
  readonly #credentials: string | null

  /** @param credentials `user:password`, decoded; null where the proxy asks for none */
  constructor (origin: string, credentials: string | null) {
    this.origin = origin
    this.#credentials = credentials
  }

  /** The value of `Proxy-Authorization` (RFC 7617 §2), a secret; null where there is none to send. */
  get authorization (): string | null {
    return this.#credentials === null ? null : `Basic ${Buffer.from(this.#credentials).toString('base64')}`
  }

  toString (): string { return this.origin }
  toJSON (): string { return this.origin }
  [inspect.custom] (): string { return this.origin }
}
