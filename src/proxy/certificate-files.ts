import type { FastifyBaseLogger } from 'fastify'
import type { TlsFiles, TlsSource } from '../settings/tls-source.ts'
import type { MaasPool } from '../upstream/pool.ts'
import { FileWatch } from './file-watch.ts'

/**
 * The files with the certificates and the key for TLS to MAAS. When one changes, requests from then on go on new
 * connections, with what the files have then. If the files cannot be used, nothing changes.
 */
export class CertificateFiles {
  readonly #source: TlsSource
  readonly #pools: ReadonlyArray<Pick<MaasPool, 'setTls'>>
  readonly #logger: FastifyBaseLogger
  readonly #watch = new FileWatch()
  #current: string
  #reading: Promise<void> = Promise.resolve()

  /**
   * @param current what was read at the start
   * @param pools the pools that connect to MAAS
   */
  constructor (
    source: TlsSource, current: TlsFiles, pools: ReadonlyArray<Pick<MaasPool, 'setTls'>>, logger: FastifyBaseLogger
  ) {
    this.#source = source
    this.#pools = pools
    this.#logger = logger
    this.#current = textOf(current)
    for (const file of source.files) this.#watch.add(file, () => { void this.reload() })
  }

  /** Reads the files again, after any other such reading. */
  async reload (): Promise<void> {
    this.#reading = this.#reading.then(async () => { await this.#read() })
    await this.#reading
  }

  /** Stops watching the files. */
  close (): void {
    this.#watch.close()
  }

  async #read (): Promise<void> {
    const { files } = this.#source
    if (files.length === 0) return
    try {
      const material = await this.#source.read()
      const text = textOf(material)
      if (text === this.#current) {
        return this.#logger.info({ files }, 'the certificates for MAAS are the same as before')
      }
      for (const pool of this.#pools) pool.setTls(material)
      this.#current = text
      this.#logger.info({ files },
        'the certificates for MAAS have been replaced; requests from now on use the new ones')
    } catch (error) {
      const fields = { files, reason: (error as Error).message }
      this.#logger.error(fields, 'the certificates for MAAS could not be read again; the old ones stay in use')
    }
  }
}

/** What tells one state of the files from another. */
function textOf ({ caFile = [], clientCertFile = [], clientKeyFile = '' }: TlsFiles): string {
  return [...caFile, '', ...clientCertFile, '', clientKeyFile].join('\n')
}
