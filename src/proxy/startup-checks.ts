import type { Logger } from 'pino'
import type { WorkloadVerifier } from '../admit/workload-verifier.ts'
import type { ProxyError } from '../errors.ts'
import { askVersion } from '../upstream/probe.ts'
import type { Backend } from './backend.ts'
import type { Key } from './key-ring.ts'

/** The time limit of the probe, which delays the start. */
const PROBE_TIMEOUT_MS = 1000

/**
 * Asks MAAS for its version, unsigned, before the first request. The answer has the time of MAAS, which signatures
 * need. A failure is logged and does not stop the start, because MAAS may start later.
 */
export async function probeMaas (backend: Backend, logger: Logger): Promise<void> {
  const { upstream } = backend
  // By a connection of requests, so that the first one finds it open.
  const answer = await askVersion({ ...upstream, probes: upstream.pool }, PROBE_TIMEOUT_MS)
  if (answer.ok) {
    const { version } = answer.value
    backend.version.learn(version)
    logger.info({ version, clockOffsetSeconds: upstream.clock.offsetSeconds }, 'MAAS answers')
  } else {
    logger.warn({ ...answer.refusal }, 'MAAS is not answering yet')
  }
}

/**
 * Asks MAAS whose key it is, and logs a key that MAAS does not accept before a client needs it.
 * @param isStopping whether the proxy is closing its connections to MAAS; a failure then says nothing about the key
 */
export async function probeKey ({ source, health }: Key, logger: Logger, isStopping: () => boolean): Promise<void> {
  const { ready, reason, remedy } = await health.ask()
  if (isStopping()) return
  if (ready) logger.info({ source: source.name }, reason)
  else logger.warn({ source: source.name, reason, remedy }, 'requests will fail until this is fixed')
}

/** Fetches the keys that verify tokens of workloads, before one comes. A failure is logged. */
export async function probeWorkloadKeys (workloads: WorkloadVerifier, logger: Logger): Promise<void> {
  try {
    await workloads.prepare()
  } catch (error) {
    const { message, remedy, cause } = error as ProxyError
    logger.warn({ reason: (cause as Error).message, remedy }, message)
  }
}
