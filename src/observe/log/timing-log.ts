import type { Observer } from '../../exchange/plugin.ts'
import type { Logger } from './logger.ts'
import { roundMs } from './round-ms.ts'

/** Makes what writes, at level debug, where the time of a request that was sent to MAAS went, in milliseconds. */
export function timingLog (logger: Logger): Observer {
  return ({ request: { id }, exchange: { startedAt, sentAt, answeredAt, attempts, upstreamMs }, ms }) => {
    if (attempts === 0 || !logger.isLevelEnabled('debug')) return
    logger.debug({
      id,
      beforeMs: roundMs(sentAt - startedAt),
      upstreamMs: upstreamMs === null ? undefined : roundMs(upstreamMs),
      answerMs: answeredAt === null ? undefined : roundMs(startedAt + ms - answeredAt)
    }, 'timing')
  }
}
