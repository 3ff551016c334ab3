import { ProxyError } from '../errors.ts'
import { PLACEHOLDER_WORD } from '../maas/placeholder-key.ts'

const TOKEN_FIELD = 'maas-proxy-token'
const AUTHORIZATION = 'authorization'

/** One parameter of an OAuth header (RFC 5849 §3.5.1). Some tools leave the quotes out. */
const OAUTH_PARAMETER = /[ \t]*(\w+)=(?:"([^"]*)"|([^",\s]*))[ \t]*(?:,|$)/y

/** A token, as it may stand in a file of tokens. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Finds the token by which a request names its client: in `MAAS-Proxy-Token`, or in `Authorization` as Bearer (RFC 6750
 * §2.1), as the password of Basic (RFC 7617), or as the token secret of a key that a tool signs with (RFC 5849 §3.4.4).
 * @param rawHeaders names and values in turns, as in Node. Each line counts: gomaasapi adds one when it tries again
 * @returns null if the request has no token
 * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN if it has two that differ
 */
export function findClientToken (rawHeaders: readonly string[]): string | null {
  let found: string | null = null
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const token = tokenOf(rawHeaders[i] as string, rawHeaders[i + 1] as string)
    if (token === null || token === PLACEHOLDER_WORD || !TOKEN.test(token)) continue
    if (found !== null && found !== token) {
      throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', {
        message: 'the request has two tokens that differ',
        remedy: `send one token; ${PLACEHOLDER_WORD} in a key stands for no token`
      })
    }
    found = token
  }
  return found
}

/** The token in a line of the header; null if it has none. */
function tokenOf (name: string, value: string): string | null {
  if (name.length === AUTHORIZATION.length) return name.toLowerCase() === AUTHORIZATION ? credentialsToken(value) : null
  return name.length === TOKEN_FIELD.length && name.toLowerCase() === TOKEN_FIELD ? value : null
}

/** The token in the credentials of an `Authorization` field, whose scheme is in any case (RFC 9110 §11.1). */
function credentialsToken (value: string): string | null {
  const [, scheme = '', credentials = ''] = /^(OAuth|Basic|Bearer) +(.*)$/i.exec(value) ?? []
  switch (scheme.toLowerCase()) {
    case 'oauth': return signatureToken(credentials)
    case 'basic': return passwordOf(credentials)
    case 'bearer': return credentials
    default: return null
  }
}

/** The password of Basic credentials. It may have colons, which a user name cannot (RFC 7617 §2). */
function passwordOf (credentials: string): string | null {
  if (!/^[\w+/-]+={0,2}$/.test(credentials)) return null
  const text = Buffer.from(credentials, 'base64').toString('latin1')
  const colon = text.indexOf(':')
  return colon < 0 ? null : text.slice(colon + 1)
}

/**
 * The token secret in a PLAINTEXT signature: what stands behind the consumer secret, which MAAS leaves empty, and `&`.
 * The signature is percent-encoded as a parameter, and both secrets in it are percent-encoded once more by the tools
 * that follow RFC 5849 §3.4.4 to the letter.
 */
function signatureToken (credentials: string): string | null {
  const parameters = oauthParameters(credentials)
  if (parameters.get('oauth_signature_method') !== 'PLAINTEXT') return null
  const signature = decode(parameters.get('oauth_signature') ?? '')
  const ampersand = signature?.indexOf('&') ?? -1
  if (signature === null || ampersand < 0) return null
  const secret = signature.slice(ampersand + 1)
  return decode(secret) ?? secret
}

/** The parameters of an OAuth header; none if it is malformed, or has one twice (RFC 5849 §3.1). */
function oauthParameters (credentials: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  let at = 0
  while (at < credentials.length) {
    OAUTH_PARAMETER.lastIndex = at
    const [whole, name, quoted, plain] = OAUTH_PARAMETER.exec(credentials) ?? []
    if (whole === undefined || parameters.has(name as string)) return new Map()
    parameters.set(name as string, quoted ?? plain as string)
    at += whole.length
  }
  return parameters
}

/** Undoes percent-encoding once; null if it is malformed. */
function decode (text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
