import type { ConfiguredClient } from '../settings/listener-clients.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import type { WorkloadSettings } from '../settings/workloads.ts'
import { CertificateIdentifier } from './certificate-identifier.ts'
import { type BrowserGuard, browserGuard } from './browser.ts'
import { type Classifier, type ClassifierOptions, createClassifier } from './classify.ts'
import type { Client, ClientIdentifier } from './clients.ts'
import { TokenIdentifier } from './token-identifier.ts'
import { WorkloadVerifier } from './workload-verifier.ts'

/**
 * What a listener decides by. A reload puts another one in its place as a whole, and a request keeps the one that it
 * began with.
 */
export interface Ruleset extends ClassifierOptions, Pick<ListenerConfig, 'dualOperations'> {
  readonly classify: Classifier
  readonly browser: BrowserGuard
  /** how clients are identified, in the order of trial; empty if they need no name */
  readonly identifiers: readonly ClientIdentifier[]
  /** Finds a client by its name, where the name does not come from a token. */
  readonly clientNamed: (name: string) => Client
  /** verifies tokens of workloads; null if the listener takes none */
  readonly workloads: WorkloadVerifier | null
  /** how long a client may send nothing of a body that is waited for */
  readonly clientBodyTimeoutMs: number
}

interface RulesetOptions extends Pick<Ruleset, 'clientBodyTimeoutMs'> {
  /** a client of this process, beside the configured ones; null for none */
  ownClient: ConfiguredClient | null
  /** the ruleset that this one replaces: what it knows of workloads stays */
  before?: Ruleset | undefined
}

/** Makes the ruleset of a listener. */
export function createRuleset (
  listener: ListenerConfig, { clientBodyTimeoutMs, ownClient, before }: RulesetOptions
): Ruleset {
  const { address, allowHost, allowOrigin, policy, anonymousOperations, dualOperations, clients } = listener
  const all = clients === undefined ? undefined : [...clients, ...ownClient === null ? [] : [ownClient]]
  const byName = new Map<string, Client>(all?.map(client => [client.name, client]))
  const clientNamed = (name: string) => byName.get(name) ?? { name, policy: null, expires: null }
  const workloads = verifierFor(listener.workloads, before?.workloads)
  return {
    policy,
    anonymousOperations,
    dualOperations,
    clientBodyTimeoutMs,
    classify: createClassifier({ policy, anonymousOperations }),
    browser: browserGuard(address, allowHost, allowOrigin),
    identifiers: all === undefined ? [] : identifiersOf({ ...listener, clients: all }, workloads, clientNamed),
    clientNamed,
    workloads
  }
}

/** Returns the verifier for some settings. Unless they have changed, it is the former one, with what it remembers. */
function verifierFor (
  settings: WorkloadSettings | null, before: WorkloadVerifier | null | undefined
): WorkloadVerifier | null {
  if (settings === null) return null
  return before?.isFor(settings) === true ? before : new WorkloadVerifier(settings)
}

function identifiersOf (
  { clients, tls }: { clients: readonly ConfiguredClient[], tls: ListenerConfig['tls'] },
  workloads: WorkloadVerifier | null, clientNamed: Ruleset['clientNamed']
): ClientIdentifier[] {
  const tokens = new TokenIdentifier({ clients, workloads, clientNamed })
  const ca = tls?.clientCa ?? null
  if (ca === null) return [tokens]
  const byCertificate = new Map<string, Client>(clients.flatMap(client => (
    client.certificate === null ? [] : [[client.certificate, client]]
  )))
  const clientOf = (name: string) => byCertificate.get(name) ?? clientNamed(name)
  return [new CertificateIdentifier({ ca, clientOf }), tokens]
}
