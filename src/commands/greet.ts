import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { explainFailure } from '../forward/failures.ts'
import type { MaasClock } from '../maas/clock.ts'

/** How long the start may be held up by MAAS. */
const GREETING_MS = 1000

/**
 * Asks MAAS for its version before the first request comes, unsigned: so its clock is known when something is signed, and a
 * MAAS that does not answer is told of at once. It is no reason not to start: MAAS may come later.
 */
export async function greet (upstream: Dispatcher, clock: MaasClock, logger: Logger): Promise<void> {
  try {
    const { statusCode, headers, body } = await upstream.request({ method: 'GET', path: '/MAAS/api/2.0/version/', signal: AbortSignal.timeout(GREETING_MS) })
    clock.learnFromDate(String(headers['date']))
    await body.dump()
    if (statusCode === 200) logger.info({ clockOffsetSeconds: clock.offsetSeconds }, 'MAAS answers')
    else logger.warn({ statusCode }, 'what answers at MAAS_URL does not say which version of MAAS it is; does MAAS_URL lead to MAAS?')
  } catch (error) {
    const { code, message, remedy } = explainFailure(error as Error)
    logger.warn({ code, remedy }, `MAAS does not answer yet: ${message}`)
  }
}
