import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createUpstream } from '../forward/upstream.ts'
import { MaasClock } from '../maas/clock.ts'
import { drain, listen } from '../listener.ts'
import { buildServer } from '../server.ts'
import type { Config } from '../settings/load.ts'
import { greet } from './greet.ts'
import { formatListenAddress } from '../settings/listen.ts'

/** A proxy that listens. */
export interface RunningProxy {
  /** `http://127.0.0.1:5241`, with the port that the system gave where 0 was asked for, or `unix:PATH`; one a listener */
  addresses: string[]
  /** Refuses what is new, lets what runs end within the drain timeout, cuts off what is left, and lets go of MAAS. */
  stop (): Promise<void>
}

/** Whether an origin is one of our own addresses, by any name that loopback has. */
function leadsTo (origin: string, address: string): boolean {
  const unified = (url: string) => url.replace(/^(http:\/\/)(?:localhost|127(?:\.\d+){3}|\[::1?\]|0\.0\.0\.0)(?=:|$)/, '$1localhost')
  return unified(origin) === unified(address)
}

/**
 * Starts the proxy on all its addresses and logs one `listening` record each.
 * @param options greeting: whether to ask MAAS for its version first, which tells its time
 * @throws the system's error if one of them cannot be listened on; then it listens on none
 */
export async function startProxy (config: Config, logger: Logger, { greeting = false } = {}): Promise<RunningProxy> {
  const upstream = createUpstream(config.maasUrl.origin, config)
  const clock = new MaasClock(clockOffsetSeconds => {
    logger.warn({ clockOffsetSeconds }, 'the clock of this machine and that of MAAS differ, or do so no more; signatures follow that of MAAS')
  })
  const apps: FastifyInstance[] = []
  const addresses: string[] = []

  async function stop (): Promise<void> {
    for (const app of apps) app.refuseNewRequests()
    const inTime = await Promise.all(apps.map(async app => await drain(app.server, config.drainTimeoutMs)))
    if (inTime.includes(false)) logger.warn({ drainTimeoutMs: config.drainTimeoutMs }, 'the drain timeout is over: requests that still ran were cut off')
    await Promise.all(apps.map(async app => { await app.close() }))
    await upstream.destroy()
  }

  try {
    for (const wanted of config.listen) {
      const app = await buildServer(config, wanted, logger, { upstream, clock })
      await app.ready()
      addresses.push(formatListenAddress(await listen(app.server, wanted, { mode: config.socketMode, group: config.socketGroup ?? null })))
      apps.push(app)
    }
  } catch (error) {
    await stop()
    throw error
  }
  const own = addresses.find(address => leadsTo(config.maasUrl.origin, address))
  if (own !== undefined) {
    await stop()
    throw new Error(`MAAS_URL: ${config.maasUrl.href} is the address of this proxy itself (${own}); name the one of MAAS, whose ports are 5240 and 5443`)
  }
  if (config.egress !== null) logger.info({ egress: config.egress.origin }, 'MAAS is reached through an egress proxy, as the environment says')
  if (greeting) await greet(upstream, clock, logger)
  for (const warning of config.warnings) logger.warn(warning)
  for (const address of addresses) logger.info({ address, upstream: config.maasUrl.href }, 'listening')
  return { addresses, stop }
}
