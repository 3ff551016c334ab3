import { unauthorized } from './answers.ts'
import { parseQuery } from './fields.ts'
import type { QueryDict } from './fields.ts'
import type { Token } from './model.ts'
import { repr, toInteger, unquote } from './python.ts'
import type { Request } from './request.ts'
import { SIGNATURE_METHODS } from './signature.ts'
import type { Store } from './store.ts'

const REQUIRED = ['oauth_consumer_key', 'oauth_token', 'oauth_signature', 'oauth_signature_method', 'oauth_timestamp', 'oauth_nonce']
const TIMESTAMP_THRESHOLD = 300

/**
 * Whether piston takes the request for a signed one (piston3/authentication.py, is_valid_request): all six names occur as
 * substrings of the header, or as names of the query, or of the form. Rows "no nonce", "Basic auth", "Bearer": they do not.
 */
export function looksLikeOAuth ({ headers, query }: Request, form: QueryDict): boolean {
  return [headers.authorization ?? '', query.names(), form.names()].some(place => REQUIRED.every(name => place.includes(name)))
}

/** Checks a signed request in piston's order (piston3/oauth.py, verify_request) and answers whose key it is. */
export function verify (request: Request, form: QueryDict, store: Store): Token {
  const parameters = gather(request, form)
  // Row "lower-case scheme": nothing is left of such a header, and without a query there is nothing to verify at all.
  if (parameters.size === 0) throw new Error("'NoneType' object has no attribute 'verify_request'")
  checkVersion(parameters)
  const consumer = required(parameters, 'oauth_consumer_key')
  if (!store.consumers.has(consumer)) throw unauthorized('Invalid consumer.')
  const tokenKey = required(parameters, 'oauth_token')
  const token = store.tokens.get(tokenKey)
  if (token === undefined) throw unauthorized(`Invalid access token: ${tokenKey}`)
  const [timestamp, nonce] = [required(parameters, 'oauth_timestamp'), required(parameters, 'oauth_nonce')]
  checkTimestamp(timestamp, store.now())
  request.trace.nonce = useNonce(store, [consumer, tokenKey, nonce])
  checkSignature(request, parameters, token)
  return token
}

/** Rows "good header + oauth_... in the query" and "in a POST form": the form loses to the header, the header to the query. */
function gather ({ method, headers, target }: Request, form: QueryDict): Map<string, string> {
  const parameters = new Map(method === 'POST' ? form.lists().map(([name, values]) => [name, values.at(-1) as string]) : [])
  for (const [name, value] of splitHeader(headers.authorization ?? '')) parameters.set(name, value)
  for (const [name, values] of parseQuery(target.search).lists()) {
    // cgi.parse_qs without blank values (row "query oauth_signature empty"), its first value, unquoted once more.
    const first = values.find(value => value !== '')
    if (first !== undefined) parameters.set(name, unquote(first))
  }
  return parameters
}

/** piston3/oauth.py, _split_header: every comma separates, and whatever mentions "realm" is dropped (row "the word realm"). */
function splitHeader (header: string): Array<[string, string]> {
  if (!header.startsWith('OAuth ')) return []
  return header.slice(6).split(',').filter(part => !part.includes('realm')).map(part => {
    const trimmed = part.trim()
    const equals = trimmed.indexOf('=')
    // Row "header cut short".
    if (equals < 0) throw unauthorized('Unable to parse OAuth parameters from Authorization header.')
    return [trimmed.slice(0, equals), unquote(trimmed.slice(equals + 1).replace(/^"+|"+$/g, ''))]
  })
}

function required (parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name)
  if (value === undefined) throw unauthorized(`Parameter not found: ${name}`)
  return value
}

/** Rows "oauth_version 2.0" and "without oauth_version". */
function checkVersion (parameters: ReadonlyMap<string, string>): void {
  const version = parameters.get('oauth_version')
  if (version && version !== '1.0') throw unauthorized(`OAuth version ${version} not supported.`)
}

/** Rows "timestamp ...": only the past is refused, and what is no number is MAAS's own failure. */
function checkTimestamp (text: string, now: number): void {
  const timestamp = toInteger(text)
  if (timestamp === null) throw new Error(`invalid literal for int() with base 10: ${repr(text)}`)
  if (now - timestamp > TIMESTAMP_THRESHOLD) {
    throw unauthorized(`Expired timestamp: given ${timestamp} and now ${now} has a greater difference than threshold ${TIMESTAMP_THRESHOLD}`)
  }
}

/** Rows "nonce ...": the database column takes 255 characters, and piston takes an empty nonce, once found, for none. */
function useNonce (store: Store, key: [consumer: string, token: string, nonce: string]): string {
  const nonce = key[2]
  if (Array.from(nonce).length > 255) throw new Error('value too long for type character varying(255)')
  const entry = JSON.stringify(key)
  if (nonce !== '' && store.nonces.has(entry)) throw unauthorized(`Nonce already used: ${nonce}`)
  store.nonces.add(entry)
  return entry
}

/** Row "bad secret": the answer prints what the signature should have been, which for PLAINTEXT is the secret itself. */
function checkSignature (request: Request, parameters: ReadonlyMap<string, string>, token: Token): void {
  const name = parameters.get('oauth_signature_method') ?? 'PLAINTEXT'
  const signatureMethod = SIGNATURE_METHODS.get(name)
  if (signatureMethod === undefined) {
    throw unauthorized(`Signature method ${name} not supported try one of the following: ${[...SIGNATURE_METHODS.keys()].join(', ')}`)
  }
  const signature = parameters.get('oauth_signature')
  if (signature === undefined) throw unauthorized('Missing signature.')
  const url = `http://${request.host}${request.target.rawPath}`
  const signed = { method: request.method, url, parameters, secret: token.secret }
  if (signature !== signatureMethod.sign(signed)) {
    throw unauthorized(`Invalid signature. Expected signature base string: ${signatureMethod.base(signed)}`)
  }
}
