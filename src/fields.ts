import type { IncomingMessage } from 'node:http'

/**
 * Fields that belong to one connection and are never forwarded, in either direction: RFC 9110 §7.6.1 and what it lists
 * as commonly sent without being named in `Connection`.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings' // RFC 7540 §3.2.1: goes with `Upgrade: h2c`
])

/** How many spellings of names are remembered: far more than clients and MAAS have, and a bound, since clients choose them. */
const MAX_REMEMBERED = 1000

/** How long a spelling may be to be remembered: a name may fill a whole header. */
const MAX_REMEMBERED_LENGTH = 64

/**
 * Decides on fields by their names, and remembers each decision by the spelling, since the same few come all the time.
 * @param decide gets the name in lower case
 */
export function byName<T> (decide: (name: string) => T): (spelled: string) => T {
  const known = new Map<string, T>()
  return spelled => {
    const decided = known.get(spelled)
    if (decided !== undefined) return decided
    const decision = decide(spelled.toLowerCase())
    if (known.size < MAX_REMEMBERED && spelled.length <= MAX_REMEMBERED_LENGTH) known.set(spelled, decision)
    return decision
  }
}

/** Whether a request has a body (RFC 9112 §6.3: it does if a length or a transfer coding says so). */
export function hasBody ({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether a client holds its body back until it is told to send it (RFC 9110 §10.1.1: in HTTP/1.1 only). */
export function expectsContinue ({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' && headers.expect !== undefined
}

/** Scheme, host and port by which a client reached this server, as it says in `Host`. */
export function ownOrigin ({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  return `${'encrypted' in socket ? 'https' : 'http'}://${headers.host ?? 'localhost'}`
}

/** Names that `Connection` lists without them being fields, so that the common value costs no set. */
const NO_FIELDS: readonly string[] = []

/** The fields that a `Connection` value names, in lower case, without `close` and `keep-alive` (RFC 9110 §7.6.1). */
export function connectionOptions (value: string): readonly string[] {
  if (value === 'keep-alive' || value === 'close') return NO_FIELDS
  return value.toLowerCase().split(',').map(option => option.trim()).filter(option => option !== '' && option !== 'close' && option !== 'keep-alive')
}
