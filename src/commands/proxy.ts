import type { FastifyInstance } from 'fastify'
import { setTimeout } from 'node:timers/promises'
import { buildAdminServer } from '../admin-server.ts'
import type { Key } from '../key-ring.ts'
import { drain, listen, openConnections, unused } from '../listener.ts'
import { announce, openMaasSide } from '../maas-side.ts'
import { logClientConnections, logUpstreamConnections } from '../observe/connection-log.ts'
import type { Verdict } from '../observe/health.ts'
import type { Logger } from '../observe/logger.ts'
import { metricsTable } from '../observe/metrics-table.ts'
import { metricsPage } from '../observe/metrics.ts'
import { Traffic } from '../observe/traffic.ts'
import { buildServer } from '../server.ts'
import { formatListenAddress, type ListenAddress } from '../settings/listen.ts'
import type { Config } from '../settings/load.ts'
import { version } from '../version.ts'
import { greet, introduce } from './greet.ts'
import { leadsTo } from './own-address.ts'

/** A proxy that listens. */
export interface RunningProxy {
  /** `http://127.0.0.1:5241`, with the port that the system gave where 0 was asked for, or `unix:PATH`; one a listener */
  addresses: string[]
  /** where the status pages have an address of their own */
  adminAddress: string | null
  /** Reads the API keys again. */
  reload (): Promise<void>
  /** Resolves when no client was connected for so long; `stop` has to be called in the same turn of the event loop then. */
  unused (idleMs: number): Promise<void>
  /** Says that it is not ready; refuses what is new, lets what runs end within the drain timeout, cuts off what is left, and lets go of MAAS. */
  stop (): Promise<void>
}

const STOPPING: Verdict = { ready: false, reason: 'the proxy is shutting down', remedy: 'send requests to another one, or again once it is back' }
const ADMIN_PERMISSIONS = { mode: 0o600, group: null }

/**
 * Starts the proxy on all its addresses and logs one `listening` record each.
 * @param options greeting: whether to ask MAAS for its version first, which tells its time, and then whose key it is
 * @throws the system's error if one of them cannot be listened on; then it listens on none
 */
export async function startProxy (config: Config, logger: Logger, { greeting = false } = {}): Promise<RunningProxy> {
  const { link, upstream, ring, close } = openMaasSide(config, logger)
  const apps: FastifyInstance[] = []
  const addresses: string[] = []
  let admin: FastifyInstance | null = null
  let adminAddress: string | null = null
  let stopping = false

  const traffic = new Traffic()
  const metrics = metricsPage(metricsTable(traffic, {
    version: version(),
    clock: link.clock,
    keys: ring.keys,
    upstream,
    clientConnections: () => apps.map(({ server }, i) => ({ listener: addresses[i] as string, count: openConnections(server).size }))
  }))
  logUpstreamConnections(upstream, logger)

  const readinessOf = (keys: readonly Key[]) => async () => ({ ...stopping ? STOPPING : await readiness(keys), clockOffsetSeconds: link.clock.offsetSeconds })

  async function stop (): Promise<void> {
    stopping = true
    if (config.shutdownDelayMs !== undefined) await setTimeout(config.shutdownDelayMs)
    await end()
  }

  async function end (): Promise<void> {
    for (const app of apps) app.refuseNewRequests()
    const inTime = await Promise.all(apps.map(async app => await drain(app.server, config.drainTimeoutMs)))
    if (inTime.includes(false)) logger.warn({ drainTimeoutMs: config.drainTimeoutMs }, 'the drain timeout is over: requests that still ran were cut off')
    if (admin !== null) await drain(admin.server, 0)
    await Promise.all([...apps, admin].map(async app => { await app?.close() }))
    await close()
  }

  async function idle (idleMs: number): Promise<void> {
    await unused(apps.map(app => app.server), idleMs)
    logger.info({ idleMs }, 'no client was connected for so long')
  }

  async function start (app: FastifyInstance, address: ListenAddress, permissions: Parameters<typeof listen>[2]): Promise<string> {
    await app.ready()
    return formatListenAddress(await listen(app.server, address, permissions))
  }

  try {
    for (const listener of config.listeners) {
      const key = ring.of(listener.key)
      const at = addresses.length
      const app = await buildServer(listener, { logger, link, credential: key.credential, health: key.health, readiness: readinessOf([key]), metrics, traffic, ownAddress: () => addresses[at], maas: config.maasUrl.href })
      const address = await start(app, listener.address, { mode: listener.socketMode, group: listener.socketGroup ?? null })
      addresses.push(address)
      apps.push(app)
      logClientConnections(app.server, address, logger)
    }
    if (config.adminListen !== undefined) {
      const app = await buildAdminServer(logger, { readiness: readinessOf(ring.keys), metrics })
      adminAddress = await start(app, config.adminListen, ADMIN_PERMISSIONS)
      admin = app
    }
    const own = addresses.find(address => leadsTo(config.maasUrl.origin, address))
    if (own !== undefined) throw new Error(`MAAS_URL: ${config.maasUrl.href} is the address of this proxy itself (${own}); name the one of MAAS, whose ports are 5240 and 5443`)
  } catch (error) {
    await end()
    throw error
  }
  announce(config, logger)
  if (greeting) await greet(link, logger)
  for (const address of addresses) logger.info({ address, upstream: config.maasUrl.href }, 'listening')
  if (adminAddress !== null) logger.info({ address: adminAddress }, 'status pages')
  logger.flush()
  if (greeting) for (const key of ring.keys) void introduce(key, logger, () => stopping)
  return { addresses, adminAddress, reload: async () => { await ring.reload() }, unused: idle, stop }
}

/** Ready is who can answer on all keys. */
async function readiness (keys: readonly Key[]): Promise<Verdict> {
  const verdicts = await Promise.all(keys.map(async ({ health }) => await health.ask()))
  return verdicts.find(({ ready }) => !ready) ?? verdicts[0] as Verdict
}
