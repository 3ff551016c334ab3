import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
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
   * Identifies a client by `MAAS-Proxy-Token`, or by `Authorization: Bearer` (RFC 6750 §2.1). It compares all tokens,
   * each in constant time, so that its duration reveals nothing about them.
   * @returns the client's name
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN
   */
  identify (headers: IncomingHttpHeaders): string {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    const digest = digestOf(String(headers['maas-proxy-token'] ?? bearer ?? ''))
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
  return createHash('sha256').update(token).digest()
}
