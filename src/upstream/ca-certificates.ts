import { getCACertificates } from 'node:tls'

/**
 * Lists the CA certificates that are trusted to sign the certificate of MAAS: those of Node, of the system, of
 * NODE_EXTRA_CA_CERTS and of the settings. Node finds the system's where OpenSSL does; SSL_CERT_FILE and SSL_CERT_DIR
 * change the place.
 * @param caFile the certificates of the settings, in PEM
 * @returns certificates in PEM
 */
export function caCertificates (caFile: readonly string[]): string[] {
  // A certificate directory has two or three names for each certificate, so the list has duplicates.
  const platform = new Set((['bundled', 'system', 'extra'] as const).flatMap(type => getCACertificates(type)))
  return [...platform, ...caFile]
}
