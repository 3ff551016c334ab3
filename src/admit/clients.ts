import { hash, timingSafeEqual } from 'node:crypto'
import { ProxyError } from '../errors.ts'
import type { ClientToken } from '../settings/client-tokens.ts'

/** The clients of a listener and their tokens, of which only digests are kept. */
export class ClientTokens {
  #clients: ReadonlyArray<{ name: string, digest: Buffer }>

  constructor (clients: readonly ClientToken[]) {
    this.#clients = digestsOf(clients)
  }

  /**
   * Replaces the clients for later requests.
   * @returns whether they differ from the ones before
   */
  replace (clients: readonly ClientToken[]): boolean {
    const before = this.#clients
    this.#clients = digestsOf(clients)
    return before.length !== clients.length || this.#clients.some(({ name, digest }, i) => (
      name !== before[i]?.name || !digest.equals(before[i].digest)
    ))
  }

  /**
   * Identifies a client. It compares all tokens, each in constant time, so that its duration reveals nothing about
   * them.
   * @param token the token of the request; null if it has none
   * @returns the client's name
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN
   */
  identify (token: string | null): string {
    if (token === null) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
    const digest = digestOf(token)
    let found: string | null = null
    for (const client of this.#clients) if (timingSafeEqual(client.digest, digest)) found = client.name
    if (found === null) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
    return found
  }
}

function digestsOf (clients: readonly ClientToken[]) {
  return clients.map(({ name, token }) => ({ name, digest: digestOf(token) }))
}

function digestOf (token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
