import type { FastifyBaseLogger } from 'fastify'
import { FileWatch } from './file-watch.ts'
import { Credential } from '../forward/credential.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { askUser } from '../upstream/probe.ts'
import { Health } from '../observe/health.ts'
import type { KeySource } from '../settings/key/key-source.ts'

/** A key in use, and what is known of it. */
export interface Key {
  readonly source: KeySource
  readonly credential: Credential
  readonly health: Health
  /** when it was read, in seconds since the epoch */
  loadedAt: number
  /** how often its file had changed and could not be used */
  failures: number
}

/** How long MAAS may take to say whose key it is. */
const PROBE_TIMEOUT_MS = 4000

/** The keys that a proxy signs with. A key is replaced for the requests to come when its file has changed; one that cannot be used changes nothing. */
export class KeyRing {
  readonly keys: readonly Key[]
  readonly #logger: FastifyBaseLogger
  readonly #watch = new FileWatch()
  #reading: Promise<void> = Promise.resolve()

  constructor (sources: readonly KeySource[], upstream: Upstream, logger: FastifyBaseLogger) {
    this.#logger = logger
    this.keys = sources.map(source => {
      const credential = new Credential(source.apiKey, upstream.clock)
      return { source, credential, health: new Health(() => probe(upstream, credential)), loadedAt: Date.now() / 1000, failures: 0 }
    })
    for (const key of this.keys) if (key.source.file !== null) this.#watch.add(key.source.file, () => { void this.#enqueue([key]) })
  }

  /** The key with an id. @param id one of the sources that the ring was created with */
  of (id: string): Key {
    return this.keys.find(({ source }) => source.id === id) as Key
  }

  /** Reads all keys again. */
  async reload (): Promise<void> {
    await this.#enqueue(this.keys)
  }

  close (): void {
    this.#watch.close()
  }

  /** One after the other, so that the file that was read last is the one that counts. */
  async #enqueue (keys: readonly Key[]): Promise<void> {
    this.#reading = this.#reading.then(async () => { for (const key of keys) await this.#read(key) })
    await this.#reading
  }

  async #read (key: Key): Promise<void> {
    const { source: { name, file, read }, credential, health } = key
    const from = { source: name, file: file ?? undefined }
    try {
      const apiKey = await read()
      // Half of a file that is being written can look like a key.
      if (credential.apiKey.hasUsualForm && !apiKey.hasUsualForm) throw new Error('not a key of the usual form (18, 18 and 32 letters and digits), as the present one is; is the file complete?')
      if (!credential.replace(apiKey)) return this.#logger.info(from, 'the API key is the same as before')
      health.invalidate()
      key.loadedAt = Date.now() / 1000
      this.#logger.info(from, 'the API key has been replaced; requests from now on are signed with the new one')
      const { ready, reason, remedy } = await health.ask()
      if (!ready) this.#logger.warn({ ...from, reason, remedy }, 'MAAS does not take the new API key')
    } catch (error) {
      key.failures++
      this.#logger.error({ ...from, reason: (error as Error).message, failures: key.failures }, 'the API key could not be read again; the old one stays in use')
    }
  }
}

async function probe (upstream: Upstream, credential: Credential) {
  const answer = await askUser(upstream, credential.signing.sign, PROBE_TIMEOUT_MS)
  return answer.ok
    ? { ready: true, reason: `MAAS answers, and takes the API key as that of ${answer.value.username}`, remedy: null }
    : { ready: false, reason: answer.refusal.reason, remedy: answer.refusal.remedy }
}
