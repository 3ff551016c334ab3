import type { FastifyBaseLogger } from 'fastify'
import { createRuleset, type Ruleset } from '../admit/ruleset.ts'
import { formatListenAddress } from '../listen/address.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import type { ConfiguredClient } from '../settings/listener-clients.ts'
import type { EffectiveSettings } from '../settings/effective.ts'
import type { Config } from '../settings/load.ts'
import { changesForRestart } from '../settings/reload.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { MAX_CONNECTIONS } from '../upstream/pool.ts'
import type { RequestQueue } from '../upstream/queue.ts'
import { ExpiryReminder } from './expiry-reminder.ts'
import { digestFiles } from './file-digest.ts'
import { FileWatch } from './file-watch.ts'

/** What a listener does now. */
interface LiveListener {
  readonly config: ListenerConfig
  readonly ruleset: Ruleset
}

interface LiveConfigOptions {
  logger: FastifyBaseLogger
  queue: RequestQueue
  /** a client of this process, beside the configured ones; null for none */
  ownClient: ConfiguredClient | null
}

/** The message about a changed setting that needs a restart. */
const RESTART = 'the setting has changed, which needs a restart; until then the old one stays in force, and a ' +
  'listener with another address keeps its old rules'

/**
 * The configuration in force. When one of its files changes, all of it is read again, and the rules, clients and limits
 * of all listeners are replaced together. If anything in it is wrong, nothing changes.
 */
export class LiveConfig {
  readonly #options: LiveConfigOptions
  readonly #reminder: ExpiryReminder
  /** the settings of the start, of which those that need a restart stay in force */
  readonly #started: EffectiveSettings
  #watch = new FileWatch()
  #config: Config
  #listeners: readonly LiveListener[]
  /** the digests of the files when the configuration in force was read */
  #inForce: ReadonlyMap<string, string> = new Map()
  /** the digests of the files when they were last read, whatever came of it */
  #seen: ReadonlyMap<string, string> = new Map()
  /** whether the files have a configuration that could not be read */
  #isBehind = false
  #reading: Promise<void> = Promise.resolve()
  /** how many times the configuration could not be read again */
  failures = 0

  constructor (config: Config, options: LiveConfigOptions) {
    this.#config = config
    this.#options = options
    this.#started = config.source.settings
    this.#listeners = config.listeners.map(listener => this.#liveOf(config, listener))
    this.#reminder = new ExpiryReminder(() => this.#listeners.map(({ config }) => config), options.logger)
    this.#watchFiles()
    this.#reminder.remind()
  }

  get config (): Config { return this.#config }

  /** What a listener does now. @param at its place in the configuration of the start */
  listener (at: number): LiveListener {
    return this.#listeners[at] as LiveListener
  }

  /** Reads the configuration again, after any other such reading. */
  async reload (): Promise<void> {
    this.#reading = this.#reading.then(async () => { await this.#read() })
    await this.#reading
  }

  /** Stops watching the files. */
  close (): void {
    this.#watch.close()
    this.#reminder.close()
  }

  async #read (): Promise<void> {
    const { logger } = this.#options
    const before = this.#config
    if (before.source.files.length === 0) return
    this.#seen = digestFiles(before.source.files) // before the reading: what changes during it is seen as a change
    try {
      const config = await before.source.read()
      this.#apply(config)
      this.#isBehind = false
      const changed = this.#watchFiles()
      if (changed.length === 0) return logger.info('the settings are the same as before')
      logger.info({ changed }, 'the settings have been replaced; requests from now on follow the new ones')
      for (const warning of config.warnings) if (!before.warnings.includes(warning)) logger.warn(warning)
      for (const setting of changesForRestart(this.#started, config.source.settings)) {
        logger.warn({ setting }, RESTART)
      }
      this.#reminder.remind()
    } catch (error) {
      this.failures++
      this.#isBehind = true
      const reasons = error instanceof SettingsError ? error.problems : [(error as Error).message]
      for (const reason of reasons) {
        const fields = { reason, failures: this.failures }
        logger.error(fields, 'the settings could not be read again; the old ones stay in force')
      }
    }
  }

  /** Puts a configuration in force. Listeners correspond by their addresses; one without a counterpart stays. */
  #apply (config: Config): void {
    const found = [...config.listeners]
    this.#listeners = this.#listeners.map(live => {
      const text = formatListenAddress(live.config.address)
      const at = found.findIndex(({ address }) => formatListenAddress(address) === text)
      const [listener] = at < 0 ? [] : found.splice(at, 1)
      return listener === undefined ? live : this.#liveOf(config, listener, live.ruleset)
    })
    this.#config = config
    this.#options.queue.setLimits({
      maxRunning: config.maxMaasRequests ?? MAX_CONNECTIONS, timeoutMs: config.queueTimeoutMs
    })
  }

  #liveOf ({ clientBodyTimeoutMs }: Config, config: ListenerConfig, before?: Ruleset): LiveListener {
    const { ownClient } = this.#options
    return { config, ruleset: createRuleset(config, { clientBodyTimeoutMs, ownClient, before }) }
  }

  /**
   * Watches the files of the configuration in force. Those of keys and of TLS to MAAS are watched by others; but if one
   * of them has kept a new configuration from being read, its change is the time to try again.
   * @returns the files of the configuration that have changed
   */
  #watchFiles (): string[] {
    const { source: { files }, keys, tlsSource } = this.#config
    const before = this.#inForce
    const digests = [...digestFiles(files), ...this.#seen] // those of before the reading count
    this.#inForce = this.#seen = new Map(digests.filter(([file]) => files.includes(file)))
    if ([...before.keys()].join('\n') !== files.join('\n')) {
      this.#watch.close()
      this.#watch = new FileWatch()
      for (const file of files) this.#watch.add(file, () => { this.#onChange() })
      for (const file of new Set([...keys.map(({ file }) => file), ...tlsSource.files])) {
        if (file !== null) this.#watch.add(file, () => { if (this.#isBehind) void this.reload() })
      }
    }
    return [...this.#inForce].filter(([file, digest]) => digest !== before.get(file)).map(([file]) => file)
  }

  /** Reads the configuration again, unless that has been done since the change. */
  #onChange (): void {
    const digests = digestFiles([...this.#seen.keys()])
    if ([...digests].some(([file, digest]) => digest !== this.#seen.get(file))) void this.reload()
  }
}
