import type { IncomingMessage } from 'node:http'
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { ProxyError } from '../errors.ts'
import { clientCaOf } from '../listen/secure-server.ts'
import { isClientName } from '../settings/client-row.ts'
import type { Client, ClientIdentifier } from './clients.ts'

/** What the certificate of a connection says; null if it has none, or a text that says what is wrong with it. */
type Shown = ShownCertificate | string | null

/** A certificate that a CA of the listener has signed. */
interface ShownCertificate {
  name: string
  /** when it ends, in milliseconds */
  expires: number
  certificate: X509Certificate
}

interface CertificateIdentifierOptions {
  /** the CAs, in PEM */
  ca: readonly string[]
  /** Finds the client that a certificate names. */
  clientOf: (name: string) => Client
}

const REMEDY = 'show a certificate of a CA in --client-ca-file, for clients and valid now'

/** Identifies clients by the certificates of their connections, which TLS has verified. */
export class CertificateIdentifier implements ClientIdentifier {
  readonly remedy = REMEDY
  readonly #ca: ReadonlyMap<string, X509Certificate>
  readonly #clientOf: CertificateIdentifierOptions['clientOf']

  constructor ({ ca, clientOf }: CertificateIdentifierOptions) {
    this.#ca = new Map(ca.map(pem => [pem, new X509Certificate(pem)]))
    this.#clientOf = clientOf
  }

  /**
   * Identifies a client by its certificate. A connection may outlive the certificate, and the trust in its CA, so both
   * are looked at with each request.
   * @throws ProxyError MAAS_PROXY_CLIENT_UNKNOWN if the certificate is not good
   */
  identify ({ socket }: Pick<IncomingMessage, 'socket'>): Client | null {
    const shown = shownOn(socket)
    if (shown === null) return null
    if (typeof shown === 'string') throw refused(shown)
    if (shown.expires <= Date.now()) throw refused(ERRORS['CERT_HAS_EXPIRED'] as string)
    if (!this.#isTrusted(shown.certificate, clientCaOf(socket))) throw refused(UNTRUSTED)
    return this.#clientOf(shown.name)
  }

  /**
   * Whether a certificate is still trusted: no CA has been removed since its connection began, or one that is there
   * has signed it. A certificate of an intermediate CA is then not trusted until the client connects again.
   */
  #isTrusted (certificate: X509Certificate, verifiedBy: readonly string[]): boolean {
    if (verifiedBy.every(pem => this.#ca.has(pem))) return true
    return [...this.#ca.values()].some(ca => certificate.checkIssued(ca) && certificate.verify(ca.publicKey))
  }
}

const UNTRUSTED = 'is not signed by a CA in --client-ca-file'

/** What is wrong with a certificate, by OpenSSL's codes. */
const ERRORS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  INVALID_PURPOSE: 'is not for clients (extended key usage)',
  CERT_SIGNATURE_FAILURE: UNTRUSTED, // a CA of the same name
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED
}

function refused (problem: string): ProxyError {
  return new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', {
    message: `the certificate of the client ${problem}`, remedy: REMEDY
  })
}

const shownBySocket = new WeakMap<Socket, Shown>()

/** What the certificate of a connection says. It is read once, because a connection has one. */
function shownOn (socket: Socket): Shown {
  const known = shownBySocket.get(socket)
  if (known !== undefined) return known
  const shown = socket instanceof TLSSocket ? read(socket) : null
  shownBySocket.set(socket, shown)
  return shown
}

function read (socket: TLSSocket): Shown {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return null
  if (!socket.authorized) {
    const code = String(socket.authorizationError)
    return ERRORS[code] ?? `is not good (${code})`
  }
  const name = nameOf(socket.getPeerCertificate())
  if (name === null) {
    return 'has no name that is one of a client: letters, digits and . _ - @ : /, as URI, DNS name or common name'
  }
  return { name, expires: certificate.validToDate.getTime(), certificate }
}

/** A name of a certificate. Node writes one with a comma or a quote as a text of JSON. */
const ALTERNATIVE_NAME = /(?:^|, )(URI|DNS):("(?:[^"\\]|\\.)*"|[^,]*)(?=, |$)/g

/** The name of a client: the URI of its certificate, else its DNS name, else its common name; null if it is no name. */
function nameOf ({ subject, subjectaltname = '' }: PeerCertificate): string | null {
  const names = [...subjectaltname.matchAll(ALTERNATIVE_NAME)].map(([, type, name]) => ({ type, name }))
  const found = names.find(({ type }) => type === 'URI') ?? names.find(({ type }) => type === 'DNS')
  const name = found === undefined ? subject.CN : found.name
  return typeof name === 'string' && isClientName(name) ? name : null
}
