import { getCACertificates } from 'node:tls'

/**
 * The certificates that may sign that of MAAS, in PEM: those of Node, of the system and of NODE_EXTRA_CA_CERTS, and further ones. Node reads the
 * system's where OpenSSL looks, which SSL_CERT_FILE and SSL_CERT_DIR change. That takes up to a tenth of a second, once in a process.
 */
export function caCertificates (further: readonly string[]): string[] {
  // A directory holds each certificate under two or three names, and each copy costs time in every TLS context.
  const ofPlatform = new Set((['bundled', 'system', 'extra'] as const).flatMap(type => getCACertificates(type)))
  return [...ofPlatform, ...further]
}
