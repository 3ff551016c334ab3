import { Writable } from 'node:stream'
import type { RunningProxy } from '../../src/proxy/running-proxy.ts'
import { startProxy } from '../../src/proxy/start.ts'
import { createLogger } from '../../src/observe/log/logger.ts'
import { type Config, loadConfig } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'

/** The marked key of the tests: each part can be looked for in whatever a test gets to see. */
export const KEY = { consumer: 'ConsumerKeyMarked1', token: 'TokenKeyMarked0001', secret: 'TokenSecretMarked00000000000001x' }

/** What tests need of tap's test object. */
interface Test { after: (close: () => unknown) => void }

/** A log record as parsed back from its line. */
export type LogRecord = Record<string, unknown>

export interface TestProxy extends RunningProxy {
  /** the first of its addresses, and its port if it has one */
  address: string
  port: number
  /** every log record so far */
  log: LogRecord[]
  /** resolves with the first record that fits, already there or to come */
  logged: (fits: (record: LogRecord) => boolean) => Promise<LogRecord>
}

/** The configuration for a proxy on a free port, with the marked key unless the settings name another. */
export async function testConfig (maasUrl: string, flags: Flags = {}, key = `${KEY.consumer}:${KEY.token}:${KEY.secret}`): Promise<Config> {
  return await loadConfig({ maasUrl: [maasUrl], listen: ['127.0.0.1:0'], ...flags }, { MAAS_API_KEY: key })
}

/**
 * Starts a proxy that the test's end stops. Its log is at level trace, so that a secret has every chance to get into
 * it.
 */
export async function startTestProxy (
  t: Test, config: Config | Promise<Config>, options: Parameters<typeof startProxy>[2] = {}
): Promise<TestProxy> {
  const log: LogRecord[] = []
  const waiting = new Set<() => void>()
  const stream = new Writable({
    write (chunk, _encoding, callback) {
      for (const line of String(chunk).trim().split('\n')) log.push(JSON.parse(line))
      for (const check of waiting) check()
      callback()
    }
  })
  const logger = createLogger('trace', 'json', stream)
  const proxy = await startProxy(await config, logger, options)
  let stopping: Promise<void> | undefined
  const stop = async () => {
    stopping ??= proxy.stop()
    await stopping
  }
  t.after(stop)
  const [address = ''] = proxy.addresses
  return {
    ...proxy,
    stop,
    address,
    port: URL.canParse(address) ? Number(new URL(address).port) : 0,
    log,
    logged
  }

  async function logged (fits: (record: LogRecord) => boolean): Promise<LogRecord> {
    return await new Promise(resolve => {
      const check = () => {
        const found = log.find(fits)
        if (found === undefined) return
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      check()
    })
  }
}
