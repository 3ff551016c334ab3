import type { Logger } from 'pino'
import type { Upstream } from '../upstream/upstream.ts'
import { askVersion } from '../upstream/probe.ts'
import type { Key } from './key-ring.ts'

/** How long the start may be held up by MAAS. */
const GREETING_MS = 1000

/**
 * Asks MAAS for its version before the first request comes, unsigned: so its clock is known when something is signed, and a
 * MAAS that does not answer is told of at once. It is no reason not to start: MAAS may come later.
 */
export async function probeMaas (upstream: Upstream, logger: Logger): Promise<void> {
  const answer = await askVersion(upstream, GREETING_MS)
  if (answer.ok) logger.info({ version: answer.value.version, clockOffsetSeconds: upstream.clock.offsetSeconds }, 'MAAS answers')
  else logger.warn({ ...answer.refusal }, 'MAAS does not answer yet, as it should')
}

/**
 * Asks MAAS whose key it is, so that one that is not taken is told of before somebody needs it.
 * @param stopping whether the proxy lets go of MAAS meanwhile, which says nothing of the key
 */
export async function probeKey ({ source, health }: Key, logger: Logger, stopping: () => boolean): Promise<void> {
  const { ready, reason, remedy } = await health.ask()
  if (stopping()) return
  if (ready) logger.info({ source: source.name }, reason)
  else logger.warn({ source: source.name, reason, remedy }, 'requests will not be answered as things are')
}
