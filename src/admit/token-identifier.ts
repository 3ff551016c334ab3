import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ERRORS, ProxyError } from '../errors.ts'
import { findClientToken } from './client-token.ts'
import type { Client, ClientIdentifier } from './clients.ts'
import { isWorkloadToken, type WorkloadVerifier } from './workload-verifier.ts'

interface TokenIdentifierOptions {
  /** the clients, each with the SHA-256 of its token in hexadecimal digits, if it has one */
  clients: ReadonlyArray<Client & { readonly digest: string | null }>
  /** verifies other tokens; null if none but those of the clients are good */
  workloads: WorkloadVerifier | null
  /** Finds the client that a workload is. */
  clientNamed: (name: string) => Client
}

/** Identifies clients by their tokens, of which only digests are kept, and workloads by the tokens of their cluster. */
export class TokenIdentifier implements ClientIdentifier {
  readonly remedy: string
  readonly #clients: ReadonlyMap<string, Client>
  readonly #workloads: WorkloadVerifier | null
  readonly #clientNamed: TokenIdentifierOptions['clientNamed']

  constructor ({ clients, workloads, clientNamed }: TokenIdentifierOptions) {
    const ofFile = ERRORS.MAAS_PROXY_CLIENT_UNKNOWN.remedy
    this.remedy = workloads === null ? ofFile : `${ofFile}; or the token of a ServiceAccount in the same way`
    this.#clients = new Map(clients.flatMap(client => client.digest === null ? [] : [[client.digest, client]]))
    this.#workloads = workloads
    this.#clientNamed = clientNamed
  }

  /**
   * Identifies a client by its token; see {@link findClientToken}. What is looked up is the token's digest: the time
   * that takes depends on nothing that a caller could choose without knowing the token.
   */
  identify ({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): Client | null | Promise<Client> {
    const token = findClientToken(rawHeaders)
    if (token === null) return null
    const digest = hash('sha256', token)
    const client = this.#clients.get(digest)
    if (client !== undefined) return client
    if (this.#workloads === null || !isWorkloadToken(token)) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN')
    const name = this.#workloads.verify(token, digest)
    return typeof name === 'string' ? this.#clientNamed(name) : name.then(this.#clientNamed)
  }
}
