import type { FastifyBaseLogger } from 'fastify'
import type { Pool } from 'undici'
import type { Upstream } from '../upstream/upstream.ts'
import { createPool } from '../upstream/pool.ts'
import { KeyRing } from './key-ring.ts'
import { MaasClock, NOTABLE_OFFSET } from '../maas/clock.ts'
import type { Config } from '../settings/load.ts'

/** What all listeners share: the connections to MAAS and the keys. */
export interface Backend {
  upstream: Upstream
  /** the pool of the upstream */
  pool: Pool
  ring: KeyRing
  /** Stops watching keys and closes the connections to MAAS. */
  close (): Promise<void>
}

/** Creates the pool, which opens no connection yet, and starts watching the keys. */
export function openBackend (config: Config, logger: FastifyBaseLogger): Backend {
  const clock = new MaasClock(clockOffsetSeconds => {
    const isNotable = Math.abs(clockOffsetSeconds) > NOTABLE_OFFSET
    const differs = `clock differs from MAAS by ${clockOffsetSeconds} s; signatures use MAAS's time`
    logger.warn({ clockOffsetSeconds }, isNotable ? differs : 'clock agrees with MAAS again')
  })
  const pool = createPool(config.maasUrl.origin, config)
  const upstream = { origin: config.maasUrl.origin, pool, clock }
  const ring = new KeyRing(config.keys, upstream, logger)
  return {
    upstream,
    pool,
    ring,
    async close () {
      ring.close()
      await pool.destroy()
    }
  }
}

/** Logs what was decided for the user, and what works but should not stay. */
export function announce (config: Config, logger: FastifyBaseLogger): void {
  for (const notice of config.notices) logger.info(notice)
  if (config.egress !== null) logger.info({ egress: config.egress.origin }, 'MAAS is reached through an egress proxy, as the environment says')
  for (const warning of config.warnings) logger.warn(warning)
}
