import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Policy } from '../policy/policy.ts'
import type { ClientToken } from '../settings/client-tokens.ts'
import { findClientToken } from './client-token.ts'

/** A client, as a request has named it. */
export interface Client {
  readonly name: string
  /** its own rules, which narrow those of the listener; null if it has none */
  readonly policy: Policy | null
  /** when its access ends; null if it does not */
  readonly expires: Date | null
}

/** One way in which requests name their clients. */
export interface ClientIdentifier {
  /**
   * Identifies the client of a request.
   * @returns null if the request has nothing of this kind; a promise only where the answer takes time
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN if what the request has is wrong
   */
  identify (request: IncomingMessage): Client | null | Promise<Client | null>
}

/**
 * Identifies the client of a request by the first identifier that finds one.
 * @param isOptional whether a request may do without a client; one that names a client must name a known one
 * @returns null if none finds one, and the request may do without; there are no identifiers where clients need no name
 * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN; of a promise, as its rejection
 */
export function identifyClient (
  request: IncomingMessage, identifiers: readonly ClientIdentifier[], isOptional: boolean, first = 0
): Client | null | Promise<Client | null> {
  for (let i = first; i < identifiers.length; i++) {
    const found = (identifiers[i] as ClientIdentifier).identify(request)
    if (found instanceof Promise) {
      return found.then(client => client ?? identifyClient(request, identifiers, isOptional, i + 1))
    }
    if (found !== null) return found
  }
  if (isOptional || identifiers.length === 0) return null
  throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
}

/** Identifies clients by their tokens, of which only digests are kept. */
export class TokenIdentifier implements ClientIdentifier {
  #clients: ReadonlyArray<Client & { digest: Buffer }>

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
   * Identifies a client by its token; see {@link findClientToken}. It compares all tokens, each in constant time, so
   * that its duration reveals nothing about them.
   */
  identify ({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): Client | null {
    const token = findClientToken(rawHeaders)
    if (token === null) return null
    const digest = digestOf(token)
    let found: Client | null = null
    for (const client of this.#clients) if (timingSafeEqual(client.digest, digest)) found = client
    if (found === null) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
    return found
  }
}

function digestsOf (clients: readonly ClientToken[]) {
  return clients.map(({ name, token }) => ({ name, policy: null, expires: null, digest: digestOf(token) }))
}

function digestOf (token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
