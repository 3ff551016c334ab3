import { ProxyError } from '../errors.ts'

/** Why a token is not good, by jose's codes. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'has expired',
  ERR_JWKS_NO_MATCHING_KEY: 'is signed with a key that is not among those of --client-jwks',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'does not say which key it is signed with',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'has a wrong signature',
  ERR_JOSE_ALG_NOT_ALLOWED: 'is not signed with a private key'
}

/** Why a token is not good, by the claim that is missing or wrong. */
const CLAIMS: Readonly<Record<string, string>> = {
  aud: 'is for another audience than --client-jwt-audience',
  iss: 'is of another issuer than --client-jwt-issuer',
  nbf: 'is not valid yet',
  exp: 'does not say when it expires'
}

const NO_WORKLOAD = 'names no ServiceAccount (system:serviceaccount:NAMESPACE:NAME)'

/** Describes why a token is not good. Nothing of the token is in it. @param error of jose; null if its name is none */
export function describeRefusal (error: unknown): ProxyError {
  const { code = '', claim = '' } = (error ?? {}) as { code?: string, claim?: string }
  const reason = error === null ? NO_WORKLOAD : REASONS[code] ?? CLAIMS[claim] ?? 'is not a good token (JWT)'
  return new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', {
    message: `the token of the workload ${reason}`,
    remedy: 'send a token that Kubernetes projects for that audience, and read its file again for each request'
  })
}
