import { createPrivateKey, X509Certificate } from 'node:crypto'
import { quote, readSettingFile } from './values.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads the certificates of a PEM file. @throws Error if it has none, or one that cannot be read */
export function readCertificates (path: string): string[] {
  return parseCertificates(readSettingFile(path), quote(path))
}

/** Takes the certificates out of a text in PEM. @param where what a message calls the text @throws Error as {@link readCertificates} */
export function parseCertificates (text: string, where: string): string[] {
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new Error(`${where}: has no certificate in PEM (-----BEGIN CERTIFICATE-----)`)
  certificates.forEach((pem, i) => {
    try {
      // eslint-disable-next-line no-new -- it is made to see whether it can be
      new X509Certificate(pem)
    } catch {
      throw new Error(`${where}: certificate ${i + 1} cannot be read`)
    }
  })
  return [...certificates]
}

/** Reads a private key, as PEM. @throws Error if the file has none; nothing of it is repeated */
export function readPrivateKey (path: string): string {
  const text = readSettingFile(path)
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error(`${quote(path)}: has no private key in PEM (-----BEGIN PRIVATE KEY-----)`)
  return text
}

/** Whether a key belongs to a certificate, both in PEM; not if it cannot be read, or not without a passphrase. */
export function belongsTo (key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
