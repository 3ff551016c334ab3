import { ProxyError } from '../errors.ts'
import { PLACEHOLDER_WORD } from '../maas/placeholder-key.ts'

const TOKEN_FIELD = 'maas-proxy-token'
const AUTHORIZATION = 'authorization'

/** One parameter of an OAuth header (RFC 5849 §3.5.1). Some tools leave the quotes out. */
const OAUTH_PARAMETER = /[ \t]*([^\s=",]+)=(?:"([^"]*)"|([^",\s]*))[ \t]*(?:,|$)/y

/** A token, as it may stand in a file of tokens. */
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Finds the token by which a request names its client: in `MAAS-Proxy-Token`, or in `Authorization` as Bearer (RFC 6750
 * §2.1), as the password of Basic (RFC 7617), or in the key that a tool signs with: as its token secret where the tool
 * signs with PLAINTEXT (RFC 5849 §3.4.4), as its token key where another method keeps the secret out of the header.
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

/** Finds the token in a line of the header. @returns null if it has none */
function tokenOf (name: string, value: string): string | null {
  if (name.length === AUTHORIZATION.length) return name.toLowerCase() === AUTHORIZATION ? credentialsToken(value) : null
  return name.length === TOKEN_FIELD.length && name.toLowerCase() === TOKEN_FIELD ? value : null
}

/** Finds the token in the value of `Authorization`. The scheme is case-insensitive (RFC 9110 §11.1). */
function credentialsToken (value: string): string | null {
  const [, scheme = '', credentials = ''] = /^(OAuth|Basic|Bearer) +(.*)$/i.exec(value) ?? []
  switch (scheme.toLowerCase()) {
    case 'oauth': return keyToken(credentials)
    case 'basic': return passwordOf(credentials)
    case 'bearer': return credentials
    default: return null
  }
}

/** Returns the password of Basic credentials. It may contain colons; a user name may not (RFC 7617 §2). */
function passwordOf (credentials: string): string | null {
  if (!/^[\w+/-]+={0,2}$/.test(credentials)) return null
  const text = Buffer.from(credentials, 'base64').toString('latin1')
  const colon = text.indexOf(':')
  return colon < 0 ? null : text.slice(colon + 1)
}

/** Finds the token in OAuth credentials. Not all tools sign with PLAINTEXT: maas-client-go uses HMAC-SHA1. */
function keyToken (credentials: string): string | null {
  const { method, signature, tokenKey } = readOAuth(credentials)
  if (method === 'PLAINTEXT') return signatureToken(signature ?? '')
  return method === undefined ? null : decode(tokenKey ?? '')
}

/**
 * Returns the token secret in a PLAINTEXT signature: the text behind `&`. MAAS leaves the consumer secret before it
 * empty. The signature is percent-encoded as a parameter, and the tools that follow RFC 5849 §3.4.4 to the letter
 * encode both secrets in it once more.
 */
function signatureToken (value: string): string | null {
  const signature = decode(value)
  const ampersand = signature?.indexOf('&') ?? -1
  if (signature === null || ampersand < 0) return null
  const secret = signature.slice(ampersand + 1)
  return decode(secret) ?? secret
}

/** The parameters of an OAuth header that may matter, undecoded. */
interface OAuthParameters { method?: string, signature?: string, tokenKey?: string }

const NAMES: ReadonlyMap<string, keyof OAuthParameters> = new Map([
  ['oauth_signature_method', 'method'], ['oauth_signature', 'signature'], ['oauth_token', 'tokenKey']
])

/** Reads an OAuth header. @returns none of the parameters if it is malformed, or has one twice (RFC 5849 §3.1) */
function readOAuth (credentials: string): OAuthParameters {
  const found: OAuthParameters = {}
  for (let at = 0; at < credentials.length; at = OAUTH_PARAMETER.lastIndex) {
    OAUTH_PARAMETER.lastIndex = at
    const match = OAUTH_PARAMETER.exec(credentials)
    if (match === null) return {}
    const name = NAMES.get(match[1] as string)
    if (name === undefined) continue
    if (found[name] !== undefined) return {}
    found[name] = match[2] ?? match[3] as string
  }
  return found
}

/** Decodes percent-encoding once. @returns null if it is malformed */
function decode (text: string): string | null {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
