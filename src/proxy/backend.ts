import type { FastifyBaseLogger } from 'fastify'
import { MaasClock, NOTABLE_OFFSET } from '../maas/clock.ts'
import type { Config } from '../settings/load.ts'
import { BacklogBudget } from '../upstream/backlog-budget.ts'
import { MaasPool, MAX_CONNECTIONS, ProbePool } from '../upstream/pool.ts'
import { askVersion } from '../upstream/probe.ts'
import { RequestQueue } from '../upstream/queue.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { CertificateFiles } from './certificate-files.ts'
import { KeyRing } from './key-ring.ts'
import { KnownFact } from './known-fact.ts'

/** The connections to MAAS and the keys, which all listeners share. */
export interface Backend {
  upstream: Upstream
  /** the pool of the upstream */
  pool: MaasPool
  ring: KeyRing
  /** the version of MAAS */
  version: KnownFact<string>
  certificates: CertificateFiles
  /** Stops watching files and closes the connections to MAAS. */
  close (): Promise<void>
}

/** The time limit of the question for the version, which delays nobody but those who ask for it. */
const VERSION_TIMEOUT_MS = 4000

/** Creates the connection pool, which is empty at first, and starts watching the files of keys and certificates. */
export function openBackend (config: Config, logger: FastifyBaseLogger): Backend {
  const clock = new MaasClock(clockOffsetSeconds => {
    const isNotable = Math.abs(clockOffsetSeconds) > NOTABLE_OFFSET
    const differs = `clock differs from MAAS by ${clockOffsetSeconds} s; signatures use MAAS's time`
    logger.warn({ clockOffsetSeconds }, isNotable ? differs : 'clock agrees with MAAS again')
  })
  const pool = new MaasPool(config.maasUrl.origin, config)
  const queue = new RequestQueue({
    connections: MAX_CONNECTIONS,
    maxRunning: config.maxMaasRequests ?? MAX_CONNECTIONS,
    timeoutMs: config.queueTimeoutMs
  })
  const probes = new ProbePool(config.maasUrl.origin, config)
  const backlogBudget = config.shareReads ? new BacklogBudget() : null
  const upstream = { origin: config.maasUrl.origin, pool, probes, queue, backlogBudget, clock }
  const ring = new KeyRing(config.keys, upstream, logger)
  const certificates = new CertificateFiles(config.tlsSource, config, [pool, probes], logger)
  const version = new KnownFact(async () => {
    const answer = await askVersion(upstream, VERSION_TIMEOUT_MS)
    return answer.ok ? answer.value.version : null
  })
  return {
    upstream,
    pool,
    ring,
    version,
    certificates,
    async close () {
      ring.close()
      certificates.close()
      await Promise.all([pool.destroy(), probes.destroy()])
    }
  }
}

/** Logs the notices of the settings, the egress proxy, and the warnings of the settings. */
export function announce (config: Config, logger: FastifyBaseLogger): void {
  for (const notice of config.notices) logger.info(notice)
  if (config.egress !== null) {
    logger.info({ egress: config.egress.origin }, 'MAAS is reached through an egress proxy, as the environment says')
  }
  for (const warning of config.warnings) logger.warn(warning)
}
