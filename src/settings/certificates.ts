import { createPrivateKey, X509Certificate } from 'node:crypto'
import { quote, readSettingFile } from './values.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads the certificates of a PEM file. @throws Error if the file has no certificate, or one that cannot be read */
export function readCertificates (path: string): string[] {
  return parseCertificates(readSettingFile(path), quote(path))
}

/**
 * Finds the certificates in a PEM text.
 * @param where the name of the text in messages
 * @throws Error as {@link readCertificates}
 */
export function parseCertificates (text: string, where: string): string[] {
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new Error(`${where}: has no certificate in PEM (-----BEGIN CERTIFICATE-----)`)
  certificates.forEach((pem, i) => {
    try {
      // eslint-disable-next-line no-new -- the constructor is the check
      new X509Certificate(pem)
    } catch {
      throw new Error(`${where}: certificate ${i + 1} cannot be read`)
    }
  })
  return [...certificates]
}

/**
 * Reads a file with a private key in PEM.
 * @returns the text of the file
 * @throws Error if the file has no key; the message repeats nothing of the file
 */
export function readPrivateKey (path: string): string {
  const text = readSettingFile(path)
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new Error(`${quote(path)}: has no private key in PEM (-----BEGIN PRIVATE KEY-----)`)
  }
  return text
}

/**
 * Whether a private key belongs to a certificate.
 * @param key in PEM
 * @param certificate in PEM
 * @returns false also if one of them cannot be read, or the key needs a passphrase
 */
export function belongsTo (key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
