import type { FastifyBaseLogger } from 'fastify'
import type { Pool } from 'undici'
import type { MaasLink } from './forward/link.ts'
import { createUpstream } from './forward/upstream.ts'
import { KeyRing } from './key-ring.ts'
import { MaasClock } from './maas/clock.ts'
import type { Config } from './settings/load.ts'

/** What all listeners share: the way to MAAS, and the keys. */
export interface MaasSide {
  link: MaasLink
  /** the connections of the link */
  upstream: Pool
  ring: KeyRing
  /** Looks at no key any more, and cuts the connections to MAAS. */
  close (): Promise<void>
}

/** Prepares the way to MAAS, on which no connection is opened yet, and begins to look after the keys. */
export function openMaasSide (config: Config, logger: FastifyBaseLogger): MaasSide {
  const clock = new MaasClock(clockOffsetSeconds => {
    logger.warn({ clockOffsetSeconds }, 'the clock of this machine and that of MAAS differ, or do so no more; signatures follow that of MAAS')
  })
  const upstream = createUpstream(config.maasUrl.origin, config)
  const link = { origin: config.maasUrl.origin, upstream, clock }
  const ring = new KeyRing(config.keys, link, logger)
  return {
    link,
    upstream,
    ring,
    async close () {
      ring.close()
      await upstream.destroy()
    }
  }
}

/** Logs what was decided for the user, and what works but should not stay. */
export function announce (config: Config, logger: FastifyBaseLogger): void {
  for (const notice of config.notices) logger.info(notice)
  if (config.egress !== null) logger.info({ egress: config.egress.origin }, 'MAAS is reached through an egress proxy, as the environment says')
  for (const warning of config.warnings) logger.warn(warning)
}
