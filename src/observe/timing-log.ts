import type { Observer } from './exchanges.ts'
import type { Logger } from './logger.ts'
import { rounded } from './rounded.ts'

/** Makes what writes, at level debug, where the time of a request that was sent to MAAS went, in milliseconds. */
export function timingLog (logger: Logger): Observer {
  return ({ request: { id }, exchange: { startedAt, sentAt, answeredAt, attempts, upstreamMs }, ms }) => {
    if (attempts === 0 || !logger.isLevelEnabled('debug')) return
    logger.debug({
      id,
      beforeMs: rounded(sentAt - startedAt),
      upstreamMs: upstreamMs === null ? undefined : rounded(upstreamMs),
      answerMs: answeredAt === null ? undefined : rounded(startedAt + ms - answeredAt)
    }, 'timing')
  }
}
