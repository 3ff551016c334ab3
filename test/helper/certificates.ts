import 'reflect-metadata' // @peculiar/x509 asks for it
import { BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, type JsonGeneralName, PemConverter, type X509Certificate, X509CertificateGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 3_600_000

/** What a certificate of a CA is to be like. */
export interface WantedCertificate {
  /** the address it is for */
  ip?: string
  /** the names it is for, in place of the address */
  names?: JsonGeneralName[]
  /** when it ends, in days from now */
  days?: number
  /** when it begins, in days from now */
  begins?: number
  /** signed by itself instead of the CA */
  selfSigned?: boolean
  /** whom it names; none is allowed, where there are other names */
  subject?: string
  /** whether its key is one of RSA, too short for any use */
  isWeak?: boolean
  /** what it may be used for; anything if this is left out */
  usage?: 'clientAuth' | 'serverAuth'
}

/** What a certificate for the server is to be like. */
export interface Wanted extends WantedCertificate {
  /** the name of its CA, by which two are told apart */
  issuer?: string
}

/** A certificate with its key, in PEM. */
export interface CertificatePair {
  cert: string
  key: string
}

/** A CA that signs certificates. */
export interface Authority {
  /** its certificate, in PEM */
  ca: string
  issue: (wanted?: WantedCertificate) => Promise<CertificatePair>
  /** makes a CA below this one */
  intermediate: (name: string) => Promise<Authority>
}

/** Makes a CA. @param above the CA that signs its certificate; by default it signs itself */
export async function makeAuthority (
  name = 'Test CA', above?: { subject: string, key: webcrypto.CryptoKey }
): Promise<Authority> {
  const caKeys = await newKeys()
  const extensions = [new BasicConstraintsExtension(true, undefined, true)]
  const validity = { notBefore: new Date(Date.now() - 10 * DAY_MS), notAfter: new Date(Date.now() + DAY_MS) }
  const shape = { ...validity, signingAlgorithm: ALGORITHM, extensions }
  const ca: X509Certificate = above === undefined
    ? await X509CertificateGenerator.createSelfSigned({ ...shape, name: `CN=${name}`, keys: caKeys })
    : await X509CertificateGenerator.create({ ...shape, serialNumber: '03', subject: `CN=${name}`, issuer: above.subject, publicKey: caKeys.publicKey, signingKey: above.key })
  const issue = async (wanted: WantedCertificate = {}) => {
    const { ip = '127.0.0.1', names = [{ type: 'ip', value: ip }], subject = 'CN=maas' } = wanted
    const { days = 1, begins = -10, selfSigned = false, isWeak = false, usage } = wanted
    const keys = isWeak ? await newWeakKeys() : await newKeys()
    const extensions = [
      ...names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
      ...usage === undefined ? [] : [new ExtendedKeyUsageExtension([ExtendedKeyUsage[usage]])]
    ]
    const [notBefore, notAfter] = [begins, days].map(count => new Date(Date.now() + count * DAY_MS)) as [Date, Date]
    const shape = { serialNumber: '02', notBefore, notAfter, signingAlgorithm: ALGORITHM, extensions }
    const signed = { subject, issuer: ca.subject, publicKey: keys.publicKey, signingKey: caKeys.privateKey }
    const cert = selfSigned
      ? await X509CertificateGenerator.createSelfSigned({ ...shape, name: subject, keys })
      : await X509CertificateGenerator.create({ ...shape, ...signed })
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    return { cert: cert.toString('pem'), key }
  }
  const below = { subject: ca.subject, key: caKeys.privateKey }
  const intermediate = async (name: string) => await makeAuthority(name, below)
  return { ca: ca.toString('pem'), issue, intermediate }
}

/** Makes a CA, and a certificate with its key for a server on this machine, all in PEM. */
export async function makeCertificates ({ issuer, ...wanted }: Wanted = {}): Promise<CertificatePair & { ca: string }> {
  const { ca, issue } = await makeAuthority(issuer)
  return { ca, ...await issue(wanted) }
}

async function newKeys (): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function newWeakKeys (): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 768, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
