import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'

/** Where systems keep the certificates that their administrators trust: what SSL_CERT_FILE says, Debian, Red Hat, Alpine and BSD. */
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'] as const

/**
 * The certificates that MAAS's own may be signed by: node's, those of the system, which curl trusts too, and further ones.
 * node does not look at the system's by itself, and forgets NODE_EXTRA_CA_CERTS as soon as it is given any.
 * @param further in PEM
 * @param environment names files by SSL_CERT_FILE and NODE_EXTRA_CA_CERTS
 */
export function trustedCertificates (further: readonly string[], environment: Readonly<Record<string, string | undefined>>): string[] {
  const { SSL_CERT_FILE: system, NODE_EXTRA_CA_CERTS: extra } = environment
  const bundles = [...system === undefined ? SYSTEM_BUNDLES : [system], ...extra === undefined ? [] : [extra]]
  return [...rootCertificates, ...bundles.flatMap(readIfThere), ...further]
}

function readIfThere (path: string): string[] {
  try {
    return [readFileSync(path, 'utf8')]
  } catch {
    return [] // a bundle of another system; what is not trusted is refused later, with the remedy
  }
}
