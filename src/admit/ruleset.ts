import type { ConfiguredClient } from '../settings/listener-clients.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import { CertificateIdentifier } from './certificate-identifier.ts'
import { type BrowserGuard, browserGuard } from './browser.ts'
import { type Classifier, type ClassifierOptions, createClassifier } from './classify.ts'
import { type Client, type ClientIdentifier, TokenIdentifier } from './clients.ts'

/**
 * What a listener decides by. A reload puts another one in its place as a whole, and a request keeps the one that it
 * began with.
 */
export interface Ruleset extends ClassifierOptions, Pick<ListenerConfig, 'dualOperations'> {
  readonly classify: Classifier
  readonly browser: BrowserGuard
  /** how clients are identified, in the order of trial; empty if they need no name */
  readonly identifiers: readonly ClientIdentifier[]
  /** Finds the rules of a client that something else than its token has named. */
  readonly clientNamed: (name: string) => Client
  /** how long a client may send nothing of a body that is waited for */
  readonly clientBodyTimeoutMs: number
}

interface RulesetOptions extends Pick<Ruleset, 'clientBodyTimeoutMs'> {
  /** a client of this process, beside the configured ones; null for none */
  ownClient: ConfiguredClient | null
}

/** Makes the ruleset of a listener. */
export function createRuleset (
  listener: ListenerConfig, { clientBodyTimeoutMs, ownClient }: RulesetOptions
): Ruleset {
  const { address, allowHost, allowOrigin, policy, anonymousOperations, dualOperations, clients } = listener
  const all = clients === undefined ? undefined : [...clients, ...ownClient === null ? [] : [ownClient]]
  const byName = new Map<string, Client>(all?.map(client => [client.name, client]))
  const clientNamed = (name: string) => byName.get(name) ?? { name, policy: null, expires: null }
  return {
    policy,
    anonymousOperations,
    dualOperations,
    clientBodyTimeoutMs,
    classify: createClassifier({ policy, anonymousOperations }),
    browser: browserGuard(address, allowHost, allowOrigin),
    identifiers: all === undefined ? [] : identifiersOf(listener, all, clientNamed),
    clientNamed
  }
}

function identifiersOf (
  { tls }: ListenerConfig, clients: readonly ConfiguredClient[], clientNamed: Ruleset['clientNamed']
): ClientIdentifier[] {
  const tokens = new TokenIdentifier(clients)
  const ca = tls?.clientCa ?? null
  if (ca === null) return [tokens]
  const byCertificate = new Map<string, Client>(clients.flatMap(client => (
    client.certificate === null ? [] : [[client.certificate, client]]
  )))
  const clientOf = (name: string) => byCertificate.get(name) ?? clientNamed(name)
  return [new CertificateIdentifier({ ca, clientOf }), tokens]
}
