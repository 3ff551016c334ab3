import type { Logger } from 'pino'
import { createUpstream } from '../forward/upstream.ts'
import { drain, listen } from '../listener.ts'
import { buildServer } from '../server.ts'
import type { Config } from '../settings/load.ts'

/** A proxy that listens. */
export interface RunningProxy {
  /** `http://127.0.0.1:5241`, with the port that the system gave where 0 was asked for */
  address: string
  /** Refuses what is new, lets what runs end within the drain timeout, cuts off what is left, and lets go of MAAS. */
  stop (): Promise<void>
}

/** Starts the proxy and logs one `listening` record. @throws the system's error if the address cannot be listened on */
export async function startProxy (config: Config, logger: Logger): Promise<RunningProxy> {
  const upstream = createUpstream(config.maasUrl.origin, config)
  const app = await buildServer(config, logger, upstream)
  await app.ready()
  const address = await listen(app.server, config.listen)
  for (const warning of config.warnings) logger.warn(warning)
  logger.info({ address, upstream: config.maasUrl.href }, 'listening')

  async function stop (): Promise<void> {
    app.refuseNewRequests()
    const inTime = await drain(app.server, config.drainTimeoutMs)
    if (!inTime) logger.warn({ drainTimeoutMs: config.drainTimeoutMs }, 'the drain timeout is over: requests that still ran were cut off')
    await app.close()
    await upstream.destroy()
  }
  return { address, stop }
}
