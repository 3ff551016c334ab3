import { unauthorized } from './answers.ts'
import { parseQuery } from './fields.ts'
import type { QueryDict } from './fields.ts'
import type { Token } from './model.ts'
import { checkText, repr, toInteger, unquote } from './python.ts'
import type { Request } from './request.ts'
import { SIGNATURE_METHODS } from './signature.ts'
import type { Store } from './store.ts'

const REQUIRED_NAMES = [
  'oauth_consumer_key', 'oauth_token', 'oauth_signature', 'oauth_signature_method', 'oauth_timestamp', 'oauth_nonce'
]

/** How old a timestamp may be, in seconds. */
const TIMESTAMP_THRESHOLD = 300

/**
 * Whether piston treats a request as signed (piston3/authentication.py, is_valid_request): all six names occur in the
 * text of the header, or among the names of the query, or of the form. Rows "no nonce", "Basic auth", "Bearer" are not
 * signed.
 */
export function looksLikeOAuth ({ headers, query }: Request, form: QueryDict): boolean {
  const places = [headers.authorization ?? '', query.names(), form.names()]
  return places.some(place => REQUIRED_NAMES.every(name => place.includes(name)))
}

/**
 * Verifies a signed request in piston's order (piston3/oauth.py, verify_request).
 * @returns the token that signed it
 * @throws ApiException with a 401, or another Error where MAAS fails with a 500
 */
export function verify (request: Request, form: QueryDict, store: Store): Token {
  const parameters = gatherParameters(request, form)
  // Row "lower-case scheme": piston ignores such a header, and fails if the query has no parameters either.
  if (parameters.size === 0) throw new Error("'NoneType' object has no attribute 'verify_request'")
  const consumer = requireParameter(parameters, 'oauth_consumer_key')
  if (!store.consumers.has(consumer)) throw unauthorized('Invalid consumer.')
  const tokenKey = requireParameter(parameters, 'oauth_token')
  const token = store.tokens.get(tokenKey)
  if (token === undefined) throw unauthorized(`Invalid access token: ${tokenKey}`)
  const timestamp = requireParameter(parameters, 'oauth_timestamp')
  const nonce = requireParameter(parameters, 'oauth_nonce')
  checkTimestamp(timestamp, store)
  request.trace.nonce = useNonce(store, [consumer, tokenKey, nonce])
  checkSignature(request, parameters, token)
  return token
}

/** Collects the parameters; the query overrides the header, the header the form (rows "good header + oauth_..."). */
function gatherParameters ({ method, headers, target }: Request, form: QueryDict): Map<string, string> {
  const formFields = method === 'POST' ? form.lists() : []
  const parameters = new Map(formFields.map(([name, values]) => [name, values.at(-1) as string]))
  for (const [name, value] of splitHeader(headers.authorization ?? '')) parameters.set(name, value)
  for (const [name, values] of parseQuery(target.search).lists()) {
    // The first value of cgi.parse_qs, which drops blank values (row "query oauth_signature empty"), unquoted once
    // more.
    const first = values.find(value => value !== '')
    if (first !== undefined) parameters.set(name, unquote(first))
  }
  return parameters
}

/**
 * Parses the header (piston3/oauth.py, _split_header): it splits at every comma and drops parts with the word "realm".
 */
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

function requireParameter (parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name)
  if (value === undefined) throw unauthorized(`Parameter not found: ${name}`)
  return value
}

/** Refuses an old timestamp (rows "timestamp ..."). MAAS accepts any in the future, and fails if it is not a number. */
function checkTimestamp (text: string, { now: clock, release }: Store): void {
  if (text === '') throw release.missingTimestamp()
  const now = clock()
  const timestamp = toInteger(text)
  if (timestamp === null) throw new Error(`invalid literal for int() with base 10: ${repr(text)}`)
  if (now - timestamp > TIMESTAMP_THRESHOLD) {
    throw unauthorized(`Expired timestamp: given ${timestamp} and now ${now}, ` +
      `has a greater difference than threshold ${TIMESTAMP_THRESHOLD}`)
  }
}

/** Records a nonce (rows "nonce ..."): of 255 characters at most in the database; piston accepts an empty one again. */
function useNonce (store: Store, key: [consumer: string, token: string, nonce: string]): string {
  const nonce = key[2]
  checkText(nonce)
  if (Array.from(nonce).length > 255) throw new Error('value too long for type character varying(255)\n')
  const entry = JSON.stringify(key)
  if (nonce !== '' && store.nonces.has(entry)) throw unauthorized(`Nonce already used: ${nonce}`)
  store.nonces.add(entry)
  return entry
}

/**
 * Checks the signature. The error has the signature base string, which for PLAINTEXT is the secret (row "bad secret").
 */
function checkSignature (request: Request, parameters: ReadonlyMap<string, string>, token: Token): void {
  const name = parameters.get('oauth_signature_method') ?? 'PLAINTEXT'
  const signatureMethod = SIGNATURE_METHODS.get(name)
  if (signatureMethod === undefined) {
    const names = [...SIGNATURE_METHODS.keys()].join(', ')
    throw unauthorized(`Signature method ${name} not supported try one of the following: ${names}`)
  }
  const signature = parameters.get('oauth_signature')
  if (signature === undefined) throw unauthorized('Missing signature.')
  const url = `http://${request.host}${request.target.rawPath}`
  const signed = { method: request.method, url, parameters, secret: token.secret }
  if (signature !== signatureMethod.sign(signed)) {
    throw unauthorized(`Invalid signature. Expected signature base string: ${signatureMethod.base(signed)}`)
  }
}
