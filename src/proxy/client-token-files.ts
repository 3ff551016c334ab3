import type { FastifyBaseLogger } from 'fastify'
import { TokenIdentifier } from '../admit/clients.ts'
import { type ClientToken, readClientTokens } from '../settings/client-tokens.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import { FileWatch } from './file-watch.ts'

/**
 * The client tokens of all listeners, one set for each file. When a file changes, its tokens are replaced for later
 * requests. If the file cannot be used, the old tokens stay.
 */
export class ClientTokenFiles {
  readonly #logger: FastifyBaseLogger
  readonly #own: readonly ClientToken[]
  readonly #watch = new FileWatch()
  readonly #tokens = new Map<string, TokenIdentifier>()

  /** @param own a client of this process, beside those of each file; null if there is none */
  constructor (
    listeners: ReadonlyArray<Pick<ListenerConfig, 'clientTokens'>>, logger: FastifyBaseLogger,
    own: ClientToken | null = null
  ) {
    this.#logger = logger
    this.#own = own === null ? [] : [own]
    for (const { clientTokens } of listeners) {
      if (clientTokens === undefined || this.#tokens.has(clientTokens.file)) continue
      const { file, clients } = clientTokens
      this.#tokens.set(file, new TokenIdentifier([...clients, ...this.#own]))
      this.#watch.add(file, () => { this.#read(file) })
    }
  }

  /** The identifiers of a listener; none if its clients need no token. */
  of ({ clientTokens }: Pick<ListenerConfig, 'clientTokens'>): TokenIdentifier[] {
    return clientTokens === undefined ? [] : [this.#tokens.get(clientTokens.file) as TokenIdentifier]
  }

  /** Reads all files again. */
  reload (): void {
    for (const file of this.#tokens.keys()) this.#read(file)
  }

  /** Stops watching the files. */
  close (): void {
    this.#watch.close()
  }

  #read (file: string): void {
    try {
      const { clients } = readClientTokens(file)
      const isChanged = (this.#tokens.get(file) as TokenIdentifier).replace([...clients, ...this.#own])
      const message = isChanged
        ? 'the client tokens have been replaced; requests from now on need one of these'
        : 'the client tokens are the same as before'
      this.#logger.info({ file, clients: clients.map(({ name }) => name) }, message)
    } catch (error) {
      const fields = { file, reason: (error as Error).message }
      this.#logger.error(fields, 'the client tokens could not be read again; the old ones stay in use')
    }
  }
}
