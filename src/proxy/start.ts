import { setTimeout } from 'node:timers/promises'
import { buildAdminServer } from './admin-server.ts'
import type { Key } from './key-ring.ts'
import { announce, openBackend } from './backend.ts'
import { logClientConnections, logUpstreamConnections } from '../observe/log/connection-log.ts'
import type { Readiness } from '../observe/health.ts'
import type { Logger } from '../observe/log/logger.ts'
import { metricsTable } from '../observe/metrics/table.ts'
import { metricsPage } from '../observe/metrics/page.ts'
import { Traffic } from '../observe/metrics/traffic.ts'
import type { StatusPagesOptions } from '../respond/status-pages.ts'
import { buildServer } from './server.ts'
import type { Config } from '../settings/load.ts'
import { TokenFiles } from './client-token-files.ts'
import { version } from '../package.ts'
import { probeKey, probeMaas } from './startup-checks.ts'
import { isSameAddress } from './own-address.ts'
import { Servers } from './servers.ts'

/** A proxy that listens. */
export interface RunningProxy {
  /** `http://127.0.0.1:5241`, with the port that the system gave where 0 was asked for, or `unix:PATH`; one a listener */
  addresses: string[]
  /** where the status pages have an address of their own */
  adminAddress: string | null
  /** Reads the API keys and the client tokens again. */
  reload (): Promise<void>
  /** Resolves when no client was connected for so long; `stop` has to be called in the same turn of the event loop then. */
  waitUntilIdle (idleMs: number): Promise<void>
  /** Says that it is not ready; refuses what is new, lets what runs end within the drain timeout, cuts off what is left, and lets go of MAAS. */
  stop (): Promise<void>
  /** Cuts off at once what `stop` waits for. */
  cutOff (): Promise<void>
}

const STOPPING: Readiness = { ready: false, reason: 'the proxy is shutting down', remedy: 'send requests to another one, or again once it is back' }
const ADMIN_PERMISSIONS = { mode: 0o600, group: null }

/**
 * Starts the proxy on all its addresses and logs one `listening` record each.
 * @param options greeting: whether to ask MAAS for its version first, which tells its time, and then whose key it is
 * @throws the system's error if one of them cannot be listened on; then it listens on none
 */
export async function startProxy (config: Config, logger: Logger, { greeting = false } = {}): Promise<RunningProxy> {
  const maas = openBackend(config, logger)
  const { keys } = maas.ring
  const tokens = new TokenFiles(config.listeners, logger)
  const proxies = new Servers()
  const status = new Servers()
  let stopping = false

  const traffic = new Traffic()
  const metrics = metricsPage(metricsTable(traffic, { version: version(), clock: maas.upstream.clock, keys, upstream: maas.pool, clientConnections: () => proxies.connections }))
  const pages = (keys: readonly Key[]): StatusPagesOptions => ({
    readiness: async () => ({ ...stopping ? STOPPING : await readiness(keys), clockOffsetSeconds: maas.upstream.clock.offsetSeconds }),
    metrics
  })
  logUpstreamConnections(maas.pool, logger)

  async function listenOnAll (): Promise<void> {
    for (const listener of config.listeners) {
      const key = maas.ring.of(listener.keyId)
      const at = proxies.listening.length
      const app = await buildServer(listener, { ...pages([key]), logger, upstream: maas.upstream, credential: key.credential, clientTokens: tokens.of(listener), health: key.health, traffic, ownAddress: () => proxies.listening[at]?.address, maas: config.maasUrl.href })
      const address = await proxies.start(app, listener.address, { mode: listener.socketMode, group: listener.socketGroup ?? null })
      logClientConnections(app.server, address, logger)
      if (isSameAddress(config.maasUrl.origin, address)) throw new Error(`MAAS_URL: ${config.maasUrl.href} is the address of this proxy itself (${address}); name the one of MAAS, whose ports are 5240 and 5443`)
    }
    if (config.adminListen !== undefined) await status.start(await buildAdminServer(logger, pages(keys)), config.adminListen, ADMIN_PERMISSIONS)
  }

  async function stop (): Promise<void> {
    stopping = true
    if (config.shutdownDelayMs !== undefined) await setTimeout(config.shutdownDelayMs)
    await end()
  }

  async function end (): Promise<void> {
    for (const { app } of proxies.listening) app.refuseNewRequests()
    if (!await proxies.stop(config.drainTimeoutMs)) logger.warn({ drainTimeoutMs: config.drainTimeoutMs }, 'the drain timeout is over: requests that still ran were cut off')
    await status.stop(0)
    tokens.close()
    await maas.close()
  }

  await listenOnAll().catch(async (error: unknown) => {
    await end()
    throw error
  })
  announce(config, logger)
  if (greeting) await probeMaas(maas.upstream, logger)
  for (const address of proxies.addresses) logger.info({ address, upstream: config.maasUrl.href }, 'listening')
  for (const address of status.addresses) logger.info({ address }, 'status pages')
  if (greeting) for (const key of keys) void probeKey(key, logger, () => stopping)
  return {
    addresses: proxies.addresses,
    adminAddress: status.addresses[0] ?? null,
    reload: async () => {
      tokens.reload()
      await maas.ring.reload()
    },
    waitUntilIdle: async idleMs => {
      await proxies.waitUntilIdle(idleMs)
      logger.info({ idleMs }, 'no client was connected for so long')
    },
    stop,
    cutOff: async () => { await proxies.cutOff() }
  }
}

/** Ready is who can answer on all keys. */
async function readiness (keys: readonly Key[]): Promise<Readiness> {
  const verdicts = await Promise.all(keys.map(async ({ health }) => await health.ask()))
  return verdicts.find(({ ready }) => !ready) ?? verdicts[0] as Readiness
}
