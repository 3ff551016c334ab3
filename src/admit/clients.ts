import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Policy } from '../policy/policy.ts'
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

/**
 * Checks that a client still has access.
 * @throws ProxyError MAAS_PROXY_CLIENT_EXPIRED
 */
export function checkExpiry ({ name, expires }: Client): void {
  if (expires === null || Date.now() < expires.getTime()) return
  throw new ProxyError('MAAS_PROXY_CLIENT_EXPIRED', {
    message: `the access of the client ${name} ended at ${expires.toISOString().replace(/\.\d+/, '')}`
  })
}

/** Identifies clients by their tokens, of which only digests are kept. */
export class TokenIdentifier implements ClientIdentifier {
  readonly #clients: ReadonlyMap<string, Client>

  /** @param clients the clients, each with the SHA-256 of its token in hexadecimal digits */
  constructor (clients: ReadonlyArray<Client & { readonly digest: string }>) {
    this.#clients = new Map(clients.map(client => [client.digest, client]))
  }

  /**
   * Identifies a client by its token; see {@link findClientToken}. What is looked up is the token's digest: the time
   * that takes depends on nothing that a caller could choose without knowing the token.
   */
  identify ({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): Client | null {
    const token = findClientToken(rawHeaders)
    if (token === null) return null
    const client = this.#clients.get(hash('sha256', token))
    if (client === undefined) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
    return client
  }
}
