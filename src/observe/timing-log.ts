import type { Outcome } from './exchanges.ts'

/** Writes, at level debug, where the time of a request that was sent to MAAS went, in milliseconds. */
export function logTiming ({ request: { id, log }, exchange: { startedAt, sentAt, answeredAt, attempts, upstreamMs }, ms }: Outcome): void {
  if (attempts === 0) return
  log.debug({
    id,
    beforeMs: rounded(sentAt - startedAt),
    upstreamMs: upstreamMs === null ? undefined : rounded(upstreamMs),
    answerMs: answeredAt === null ? undefined : rounded(startedAt + ms - answeredAt)
  }, 'timing')
}

function rounded (ms: number): number {
  return Math.round(ms * 10) / 10
}
