import { setTimeout } from 'node:timers/promises'
import { reachableAddress } from '../listen/address.ts'
import type { Readiness } from '../observe/health.ts'
import { version } from '../package.ts'
import { describeMode } from '../policy/mode.ts'
import { examplesOf } from '../respond/examples.ts'
import type { ListenerFacts } from '../respond/facts.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import { countOf } from '../text/count.ts'
import type { Backend } from './backend.ts'
import type { Key } from './key-ring.ts'

/** How long the facts wait for MAAS, in milliseconds. */
const PATIENCE_MS = 1000

/** The sources of the facts about a listener. */
export interface FactSources {
  /** the URL of MAAS */
  maasUrl: string
  backend: Backend
  config: ListenerConfig
  key: Key
  /** the address that it listens on, with the port that the system chose: `http://0.0.0.0:5241` or `unix:PATH` */
  address: string
  readiness: () => Promise<Readiness>
}

/** Finds the facts about a listener. What MAAS does not say within a second is as it was last known. */
export async function findFacts (sources: FactSources): Promise<ListenerFacts> {
  const { maasUrl, backend, config, key, readiness } = sources
  const { clock } = backend.upstream
  const address = reachableAddress(sources.address)
  const { proof, clients } = describeClients(config)
  const asked = readiness()
  const owner = asked.then(async ({ ready }) => ready ? await key.owner.find() : key.owner.lastKnown)
  const [ready, maasVersion, user] = await Promise.all([
    inTime(asked, () => key.health.lastKnown),
    inTime(backend.version.find(), () => backend.version.lastKnown),
    inTime(owner, () => key.owner.lastKnown)
  ])
  return {
    version: version(),
    address,
    isWildcard: address !== sources.address,
    maas: { url: maasUrl, version: maasVersion },
    user: user?.username ?? null,
    readiness: ready,
    clockOffsetSeconds: clock.isKnown ? clock.offsetSeconds : null,
    mode: describeMode(config.policy),
    rules: config.policy.userRules.map(({ source }) => source),
    needsToken: proof === 'token',
    clients,
    examples: examplesOf(address, proof, operation => config.policy.decide(operation).allowed)
  }
}

/**
 * Says how clients are identified: `by certificate or token: 3 clients, 1 with rules of its own`, and what most of them
 * need. A certificate may be of a client that no list has.
 */
function describeClients ({ clients, tls, workloads }: Pick<ListenerConfig, 'clients' | 'tls' | 'workloads'>) {
  if (clients === undefined) return { clients: null, proof: null }
  const byCertificate = tls !== null && tls.clientCa !== null
  const byWorkload = workloads !== null
  const byToken = !(byCertificate || byWorkload) || clients.some(({ digest }) => digest !== null)
  const ways = [
    ...byCertificate ? ['certificate'] : [],
    ...byToken ? ['token'] : [],
    ...byWorkload ? ['token of a ServiceAccount'] : []
  ]
  const { length: ruled } = clients.filter(({ policy }) => policy !== null)
  const narrowed = ruled === 0 ? '' : `, ${ruled} with rules of ${ruled === 1 ? 'its' : 'their'} own`
  const known = `${countOf(clients.length, 'client')}${narrowed}`
  const proof = byToken || byWorkload ? 'token' as const : 'certificate' as const
  return { clients: `by ${ways.join(' or ')}${clients.length === 0 ? '' : `: ${known}`}`, proof }
}

/** Resolves as a promise does, or to a substitute if that takes too long. */
async function inTime<T> (promise: Promise<T>, substitute: () => T): Promise<T> {
  const isOver = new AbortController()
  const late = setTimeout(PATIENCE_MS, undefined, { signal: isOver.signal }).then(substitute, substitute)
  try {
    return await Promise.race([promise, late])
  } finally {
    isOver.abort()
  }
}
