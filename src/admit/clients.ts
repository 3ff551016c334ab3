import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Policy } from '../policy/policy.ts'

/** A client, as a request has named it. */
export interface Client {
  readonly name: string
  /** its own rules, which narrow those of the listener; null if it has none */
  readonly policy: Policy | null
  /** when its access ends; null if it does not */
  readonly expires: Date | null
}

/** One way in which requests name their clients. */
export interface ClientIdentifier {
  /** what a client does to be identified */
  readonly remedy: string
  /**
   * Identifies the client of a request.
   * @returns null if the request has nothing of this kind; a promise only where the answer takes time
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN if what the request has is wrong
   */
  identify (request: IncomingMessage): Client | null | Promise<Client | null>
}

/**
 * Identifies the client of a request. All identifiers are asked, and those that find one have to agree.
 * @param isOptional whether a request may do without a client; one that names a client must name a known one
 * @returns null if none finds one, and the request may do without; there are no identifiers where clients need no name
 * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN; of a promise, as its rejection
 */
export function identifyClient (
  request: IncomingMessage, identifiers: readonly ClientIdentifier[], isOptional: boolean
): Client | null | Promise<Client | null> {
  if (identifiers.length === 0) return null
  const answers = identifiers.map(identifier => answerOf(identifier, request))
  const conclude = (found: ReadonlyArray<Client | null>) => {
    const client = agreedClient(found)
    if (client !== null || isOptional) return client
    const [{ remedy }, ...others] = identifiers as [ClientIdentifier, ...ClientIdentifier[]]
    if (others.length === 0) throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', { remedy })
    throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', {
      message: 'the request has neither a certificate nor a token of a known client',
      remedy: identifiers.map(identifier => identifier.remedy).join('; or ')
    })
  }
  return isSettled(answers) ? conclude(answers) : Promise.all(answers).then(conclude)
}

/** Asks an identifier. What it throws becomes a rejection, so that a rejection of another one is handled as well. */
function answerOf (identifier: ClientIdentifier, request: IncomingMessage): ReturnType<ClientIdentifier['identify']> {
  try {
    return identifier.identify(request)
  } catch (error) {
    return Promise.resolve().then(() => { throw error })
  }
}

function isSettled (answers: ReadonlyArray<Client | null | Promise<Client | null>>): answers is Array<Client | null> {
  return !answers.some(answer => answer instanceof Promise)
}

/** The client that identifiers have found. @returns null if none has @throws ProxyError if two differ */
function agreedClient (found: ReadonlyArray<Client | null>): Client | null {
  const [client = null, ...others] = found.filter(answer => answer !== null)
  if (others.every(({ name }) => name === client?.name)) return client
  throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', {
    message: 'the certificate and the token of the request are of two clients',
    remedy: 'send a token of the client that the certificate is of, or none'
  })
}

/**
 * Checks that a client still has access.
 * @throws ProxyError MAAS_PROXY_CLIENT_EXPIRED
 */
export function checkExpiry ({ name, expires }: Client): void {
  if (expires === null || Date.now() < expires.getTime()) return
  throw new ProxyError('MAAS_PROXY_CLIENT_EXPIRED', {
    message: `the access of the client ${name} ended at ${expires.toISOString().replace(/\.\d+/, '')}`
  })
}
