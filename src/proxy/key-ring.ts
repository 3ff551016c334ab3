import type { FastifyBaseLogger } from 'fastify'
import { Credential } from '../forward/credential.ts'
import { Health, type Readiness } from '../observe/health.ts'
import type { KeySource } from '../settings/key/key-source.ts'
import { askUser, type MaasUser } from '../upstream/probe.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { FileWatch } from './file-watch.ts'
import { KnownFact } from './known-fact.ts'

/** A key in use, with its state. */
export interface Key {
  readonly source: KeySource
  readonly credential: Credential
  readonly health: Health
  /** MAAS's user that the key belongs to */
  readonly owner: KnownFact<MaasUser>
  /** when the key was read, in seconds since the epoch */
  loadedAt: number
  /** how many times the key could not be read again */
  failures: number
}

/** The time limit of the question whose key it is. The command `ready` waits longer. */
const PROBE_TIMEOUT_MS = 4000

/**
 * The keys of a proxy. When the file of a key changes, the key is replaced for later requests. If the file cannot be
 * used, the old key stays.
 */
export class KeyRing {
  readonly keys: readonly Key[]
  readonly #logger: FastifyBaseLogger
  readonly #watch = new FileWatch()
  #reading: Promise<void> = Promise.resolve()

  constructor (sources: readonly KeySource[], upstream: Upstream, logger: FastifyBaseLogger) {
    this.#logger = logger
    this.keys = sources.map(source => {
      const credential = new Credential(source.apiKey, upstream.clock)
      const owner = new KnownFact(async () => {
        const answer = await askOwner(upstream, credential)
        return answer.ok ? answer.value : null
      })
      const health = new Health(() => probe(upstream, credential, owner))
      return { source, credential, health, owner, loadedAt: Date.now() / 1000, failures: 0 }
    })
    for (const key of this.keys) {
      if (key.source.file !== null) this.#watch.add(key.source.file, () => { void this.#enqueue([key]) })
    }
  }

  /** The key with an id. @param id the id of one of the sources that the ring was created with */
  of (id: string): Key {
    return this.keys.find(({ source }) => source.id === id) as Key
  }

  /** Reads all keys again. */
  async reload (): Promise<void> {
    await this.#enqueue(this.keys)
  }

  /** Stops watching the files. */
  close (): void {
    this.#watch.close()
  }

  /** Reads keys one after another, so that the result of the last read stays. */
  async #enqueue (keys: readonly Key[]): Promise<void> {
    this.#reading = this.#reading.then(async () => { for (const key of keys) await this.#read(key) })
    await this.#reading
  }

  async #read (key: Key): Promise<void> {
    const { source: { name, file, read }, credential, health, owner } = key
    const from = { source: name, file: file ?? undefined }
    try {
      const apiKey = await read()
      // A half-written file may look like a key.
      if (credential.apiKey.hasUsualForm && !apiKey.hasUsualForm) throw new Error(UNUSUAL_FORM)
      if (!credential.replace(apiKey)) return this.#logger.info(from, 'the API key is the same as before')
      health.invalidate()
      owner.learn(null)
      key.loadedAt = Date.now() / 1000
      this.#logger.info(from, 'the API key has been replaced; requests from now on are signed with the new one')
      const { ready, reason, remedy } = await health.ask()
      if (!ready) this.#logger.warn({ ...from, reason, remedy }, 'MAAS does not take the new API key')
    } catch (error) {
      key.failures++
      const fields = { ...from, reason: (error as Error).message, failures: key.failures }
      this.#logger.error(fields, 'the API key could not be read again; the old one stays in use')
    }
  }
}

const UNUSUAL_FORM = 'not a key of the usual form (18, 18 and 32 letters and digits), as the present one is; ' +
  'is the file complete?'

async function askOwner (upstream: Upstream, { signing }: Credential) {
  return await askUser(upstream, signing.sign, PROBE_TIMEOUT_MS)
}

async function probe (upstream: Upstream, credential: Credential, owner: KnownFact<MaasUser>): Promise<Readiness> {
  const answer = await askOwner(upstream, credential)
  if (!answer.ok) return { ready: false, reason: answer.refusal.reason, remedy: answer.refusal.remedy }
  const { username } = answer.value
  owner.learn(answer.value)
  return { ready: true, reason: `MAAS answers, and takes the API key as that of ${username}`, remedy: null }
}
