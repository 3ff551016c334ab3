import type { Observer } from '../../exchange/plugin.ts'
import type { Logger } from './logger.ts'
import { roundMs } from './round-ms.ts'

/**
 * Creates the observer that logs, at level debug, how the time of a forwarded request divides, in milliseconds: before
 * the last attempt was sent, until MAAS began to answer, until the end of the answer.
 */
export function timingLog (logger: Logger): Observer {
  return ({ request: { id }, exchange, ms }) => {
    const { startedAt, sentAt, answeredAt, upstreamMs } = exchange
    if (sentAt === 0 || !logger.isLevelEnabled('debug')) return
    logger.debug({
      id,
      beforeMs: roundMs(sentAt - startedAt),
      upstreamMs: upstreamMs === null ? undefined : roundMs(upstreamMs),
      answerMs: answeredAt === null ? undefined : roundMs(startedAt + ms - answeredAt)
    }, 'timing')
  }
}
