import type { FastifyBaseLogger } from 'fastify'
import { ClientTokens } from '../admit/clients.ts'
import { FileWatch } from './file-watch.ts'
import { readClientTokens } from '../settings/client-tokens.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'

/** The clients that listeners know. They are others for the requests to come when their file has changed; one that cannot be used changes nothing. */
export class TokenFiles {
  readonly #logger: FastifyBaseLogger
  readonly #watch = new FileWatch()
  readonly #tokens = new Map<string, ClientTokens>()

  constructor (listeners: ReadonlyArray<Pick<ListenerConfig, 'clientTokens'>>, logger: FastifyBaseLogger) {
    this.#logger = logger
    for (const { clientTokens } of listeners) {
      if (clientTokens === undefined || this.#tokens.has(clientTokens.file)) continue
      const { file, clients } = clientTokens
      this.#tokens.set(file, new ClientTokens(clients))
      this.#watch.add(file, () => { this.#read(file) })
    }
  }

  /** The clients of a listener; null where everyone may ask. */
  of ({ clientTokens }: Pick<ListenerConfig, 'clientTokens'>): ClientTokens | null {
    return clientTokens === undefined ? null : this.#tokens.get(clientTokens.file) as ClientTokens
  }

  /** Reads all files again. */
  reload (): void {
    for (const file of this.#tokens.keys()) this.#read(file)
  }

  close (): void {
    this.#watch.close()
  }

  #read (file: string): void {
    try {
      const { clients } = readClientTokens(file)
      const isOther = (this.#tokens.get(file) as ClientTokens).replace(clients)
      this.#logger.info({ file, clients: clients.map(({ name }) => name) }, isOther ? 'the client tokens have been replaced; requests from now on need one of these' : 'the client tokens are the same as before')
    } catch (error) {
      this.#logger.error({ file, reason: (error as Error).message }, 'the client tokens could not be read again; the old ones stay in use')
    }
  }
}
