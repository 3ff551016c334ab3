import 'reflect-metadata' // @peculiar/x509 asks for it
import { BasicConstraintsExtension, PemConverter, type X509Certificate, X509CertificateGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 3_600_000

/** What a certificate for the server is to be like. */
export interface Wanted {
  /** the address it is for */
  ip?: string
  /** when it ends, in days from now */
  days?: number
  /** when it begins, in days from now */
  begins?: number
  /** the name of its CA, by which two are told apart */
  issuer?: string
  /** signed by itself instead of the CA */
  selfSigned?: boolean
  /** whom it names; none is allowed, where there are other names */
  subject?: string
  /** whether its key is one of RSA, too short for any use */
  isWeak?: boolean
}

/** Makes a CA, and a certificate with its key for a server on this machine, all in PEM. */
export async function makeCertificates ({ ip = '127.0.0.1', days = 1, begins = -10, issuer = 'Test CA', selfSigned = false, subject = 'CN=maas', isWeak = false }: Wanted = {}) {
  const [caKeys, keys] = await Promise.all([newKeys(), isWeak ? newWeakKeys() : newKeys()])
  const notBefore = new Date(Date.now() - 10 * DAY_MS)
  const ca: X509Certificate = await X509CertificateGenerator.createSelfSigned({ name: `CN=${issuer}`, keys: caKeys, notBefore, notAfter: new Date(Date.now() + DAY_MS), signingAlgorithm: ALGORITHM, extensions: [new BasicConstraintsExtension(true, undefined, true)] })
  const shape = { serialNumber: '02', notBefore: new Date(Date.now() + begins * DAY_MS), notAfter: new Date(Date.now() + days * DAY_MS), signingAlgorithm: ALGORITHM, extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])] }
  const cert = selfSigned
    ? await X509CertificateGenerator.createSelfSigned({ ...shape, name: subject, keys })
    : await X509CertificateGenerator.create({
      ...shape, subject, issuer: ca.subject, publicKey: keys.publicKey, signingKey: caKeys.privateKey
    })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { ca: ca.toString('pem'), cert: cert.toString('pem'), key }
}

async function newKeys (): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function newWeakKeys (): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 512, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
