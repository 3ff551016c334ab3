import { X509Certificate } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { browserGuard } from '../admit/browser.ts'
import { logUpstreamConnections } from '../observe/log/connection-log.ts'
import type { Logger } from '../observe/log/logger.ts'
import { metricsPage } from '../observe/metrics/page.ts'
import { metricsTable } from '../observe/metrics/table.ts'
import { Traffic } from '../observe/metrics/traffic.ts'
import { commit, version } from '../package.ts'
import type { ListenerFacts } from '../respond/facts.ts'
import type { StatusPagesOptions } from '../respond/status-pages.ts'
import { formatListenAddress } from '../listen/address.ts'
import { connectionLimit, maxOpenFiles } from '../listen/connection-limit.ts'
import { type ClientToken, ownClient as configuredClient } from '../settings/listener-clients.ts'
import type { Config } from '../settings/load.ts'
import { Activity } from './activity.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { buildAdminServer } from './admin-server.ts'
import { announce, openBackend } from './backend.ts'
import { observeClients } from './client-connections.ts'
import type { Key } from './key-ring.ts'
import { findFacts } from './listener-facts.ts'
import { LiveConfig } from './live-config.ts'
import { isSameAddress } from './own-address.ts'
import { askReadiness, STOPPING } from './readiness.ts'
import { openRecording } from './recording-file.ts'
import type { RunningProxy } from './running-proxy.ts'
import { buildServer } from './server.ts'
import { Servers } from './servers.ts'
import { maasFacts } from './maas-facts.ts'
import { probeKey, probeMaas, probeWorkloadKeys } from './startup-checks.ts'

const ADMIN_PERMISSIONS = { mode: 0o600, group: null }

interface StartOptions {
  /** whether to ask MAAS for its version and time before the start, and for the owner of each key after it */
  probeAtStart?: boolean
  /** a client of this process, beside those of the files, on each listener that asks for tokens; null for none */
  ownClient?: ClientToken | null
}

/**
 * Starts the proxy on all its addresses, and logs one `listening` record for each.
 * @returns the running proxy
 * @throws Error if one address is unusable, or MAAS_URL leads to one of them. The proxy then listens on none
 */
export async function startProxy (
  config: Config, logger: Logger, { probeAtStart = false, ownClient = null }: StartOptions = {}
): Promise<RunningProxy> {
  const recording = config.learn === undefined ? null : await openRecording(config.learn, logger)
  const backend = openBackend(config, logger)
  const { ring: { keys: allKeys }, upstream } = backend
  const live = new LiveConfig(config, {
    logger, queue: upstream.queue, ownClient: ownClient === null ? null : configuredClient(ownClient)
  })
  const proxies = new Servers()
  const status = new Servers()
  const isSecure = config.listeners.some(({ tls }) => tls !== null)
  const limit = connectionLimit(maxOpenFiles(), process.constrainedMemory(), config.listeners.length, isSecure)
  let isStopping = false

  const traffic = new Traffic()
  const metrics = metricsPage(metricsTable(traffic, {
    version: version(),
    commit: commit(),
    clock: upstream.clock,
    keys: allKeys,
    upstream: backend.pool,
    queue: upstream.queue,
    clientConnections: () => proxies.connections,
    configuration: live,
    clients: () => proxies.addresses.flatMap((listener, at) => (
      (live.listener(at).config.clients ?? []).map(client => ({ listener, ...client }))
    )),
    certificates: () => proxies.addresses.flatMap((listener, at) => {
      const { tls } = live.listener(at).config
      return tls === null ? [] : [{ listener, expires: new X509Certificate(tls.cert[0] as string).validToDate }]
    })
  }))
  const readinessOf = async (keys: readonly Key[]) => isStopping ? STOPPING : await askReadiness(keys)
  const pages = (keys: readonly Key[]): StatusPagesOptions => ({
    readiness: async () => ({ ...await readinessOf(keys), clockOffsetSeconds: upstream.clock.offsetSeconds }),
    metrics: async () => {
      // In the background: the next scrape shows the result, and this one does not wait for MAAS.
      if (!isStopping) for (const { health } of allKeys) void health.ask()
      return await metrics()
    }
  })
  const activity = config.adminListen === undefined ? null : new Activity(traffic)
  const factsOf: Array<() => Promise<ListenerFacts>> = []
  const facts = async () => await Promise.all(factsOf.map(async find => await find()))
  logUpstreamConnections(backend.pool, logger)

  async function startListener (at: number): Promise<void> {
    const { config: listener } = live.listener(at)
    const key = backend.ring.of(listener.keyId)
    const findOwnFacts = async () => await findFacts({
      backend,
      maasUrl: config.maasUrl.href,
      config: live.listener(at).config,
      key,
      address: proxies.addresses[at] as string,
      readiness: async () => await readinessOf([key])
    })
    const app = await buildServer({
      ...pages([key]),
      ruleset: () => live.listener(at).ruleset,
      tls: () => live.listener(at).config.tls,
      logger,
      upstream,
      credential: key.credential,
      maasFacts: maasFacts(backend, key),
      health: key.health,
      traffic,
      ownAddress: () => proxies.listening[at]?.address,
      facts: findOwnFacts,
      activity: activity?.observe ?? null,
      recorder: recording?.observer(formatListenAddress(listener.address, listener.tls !== null)) ?? null
    })
    const permissions = { mode: listener.socketMode, group: listener.socketGroup ?? null }
    const address = await proxies.start(app, listener.address, permissions, listener.tls !== null)
    factsOf.push(findOwnFacts)
    observeClients(app.server, address, { limit, traffic, logger })
    if (isSameAddress(config.maasUrl.origin, address)) {
      throw new SettingsError([
        `MAAS_URL: ${config.maasUrl.href} is the address of this proxy itself (${address}); ` +
        'name the one of MAAS, whose ports are 5240 and 5443'
      ])
    }
  }

  async function listenOnAll (): Promise<void> {
    for (const at of config.listeners.keys()) await startListener(at)
    if (config.adminListen === undefined || activity === null) return
    const app = await buildAdminServer(logger, {
      ...pages(allKeys),
      dashboard: async () => activity.dashboard(await facts()),
      browser: browserGuard(config.adminListen, config.listeners.flatMap(({ allowHost }) => allowHost), [])
    })
    await status.start(app, config.adminListen, ADMIN_PERMISSIONS)
  }

  async function stop (): Promise<void> {
    isStopping = true
    for (const servers of [proxies, status]) servers.announceClose()
    const { shutdownDelayMs } = live.config
    if (shutdownDelayMs !== undefined) await setTimeout(shutdownDelayMs)
    await end()
  }

  async function end (): Promise<void> {
    for (const { app } of proxies.listening) app.refuseNewRequests()
    const { drainTimeoutMs } = live.config
    if (!await proxies.stop(drainTimeoutMs)) {
      logger.warn({ drainTimeoutMs }, 'the drain timeout is over: requests that still ran were cut off')
    }
    await status.stop(0)
    await recording?.close()
    live.close()
    await backend.close()
  }

  await listenOnAll().catch(async (error: unknown) => {
    await end()
    throw error
  })
  announce(config, logger)
  if (probeAtStart) await probeMaas(backend, logger)
  for (const address of proxies.addresses) logger.info({ address, upstream: config.maasUrl.href }, 'listening')
  for (const address of status.addresses) logger.info({ address }, 'status pages')
  if (probeAtStart) {
    for (const key of allKeys) void probeKey(key, logger, () => isStopping)
    for (const at of config.listeners.keys()) {
      const { workloads } = live.listener(at).ruleset
      if (workloads !== null) void probeWorkloadKeys(workloads, logger)
    }
  }
  return {
    addresses: proxies.addresses,
    adminAddress: status.addresses[0] ?? null,
    facts,
    reload: async () => {
      await live.reload()
      await backend.certificates.reload()
      await backend.ring.reload()
    },
    waitUntilIdle: async idleMs => {
      await proxies.waitUntilIdle(idleMs)
      logger.info({ idleMs }, 'no client was connected for so long')
    },
    stop,
    cutOff: async () => {
      await proxies.cutOff()
      await recording?.close()
    }
  }
}
