import { readCertificates } from './certificates.ts'
import { readClientTokens } from './client-tokens.ts'
import { envOf, inGroup, list, optional, toggle } from './setting.ts'
import { parseClaim, readWorkloadKeys } from './workload-keys.ts'
import { parseHostName, parseOrigin } from './values.ts'

/** The settings that say who clients are, and which of them are served. */
export const CLIENT_SETTINGS = inGroup('clients', {
  allowHost: list(
    '--allow-host', 'NAME', undefined,
    'a further name that clients may use in Host, or * for any', parseHostName
  ),
  allowOrigin: list('--allow-origin', 'ORIGIN', undefined, 'origin of web pages that may use the proxy', parseOrigin),
  clientTokenFile: optional(
    '--client-token-file', envOf('--client-token-file'), 'FILE',
    'file with a line NAME TOKEN for each client; then every request needs a token', readClientTokens
  ),
  clientCaFile: optional(
    '--client-ca-file', envOf('--client-ca-file'), 'FILE',
    'CAs in PEM that sign the certificates of clients; a client may then show one in place of a token',
    readCertificates
  ),
  clientJwks: optional(
    '--client-jwks', envOf('--client-jwks'), 'FILE|URL',
    'public keys (JWKS) that verify tokens of workloads in Kubernetes: a file or an https address', readWorkloadKeys
  ),
  clientJwksCaFile: optional(
    '--client-jwks-ca-file', envOf('--client-jwks-ca-file'), 'FILE',
    'CAs in PEM to trust at the address of --client-jwks, beside those of the system', readCertificates
  ),
  clientJwtIssuer: optional(
    '--client-jwt-issuer', envOf('--client-jwt-issuer'), 'TEXT',
    'the issuer that tokens of workloads have to name (iss)', parseClaim
  ),
  clientJwtAudience: optional(
    '--client-jwt-audience', envOf('--client-jwt-audience'), 'TEXT',
    'the audience that tokens of workloads have to be for (aud)', parseClaim
  ),
  noClientAuth: toggle('--no-client-auth', 'listen beyond loopback without names of clients')
})
