import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import type { EgressProxy } from '../http/egress-proxy.ts'
import { withoutBrackets } from '../listen/address.ts'
import { portOf } from '../maas/maas-url.ts'
import { caCertificates } from './ca-certificates.ts'
import { Dialer, unlessAborted, withDeadline } from './dial.ts'
import { openTunnel } from './tunnel.ts'

/** Whom to trust, and what to show, in PEM. */
export interface TlsMaterial {
  /** certificates to trust in addition to the system's */
  caFile?: readonly string[] | undefined
  /** the client certificate for MAAS, or for a TLS proxy in front of it */
  clientCertFile?: readonly string[] | undefined
  clientKeyFile?: string | undefined
}

/** How to connect to MAAS. */
export interface ConnectorOptions extends TlsMaterial {
  /** for the whole way: name, TCP, tunnel and TLS */
  connectTimeoutMs: number
  insecureSkipTlsVerify: boolean
  /** null if MAAS is reached directly */
  egress: EgressProxy | null
}

const MIN_TLS_VERSION = 'TLSv1.2'

/** Makes a TLS connection on an open connection. */
type Secure = (origin: URL, socket: Socket, signal: AbortSignal) => Promise<Socket>

/**
 * Creates the function that connects to MAAS, through a tunnel if there is an egress proxy. undici's ProxyAgent is not
 * used: it converts the header into an object, which joins lines of the same name.
 * @param origin scheme, host and port of MAAS
 * @throws Error of OpenSSL about a certificate or key that it does not accept
 */
export function createConnector (origin: string, options: ConnectorOptions): buildConnector.connector {
  const { connectTimeoutMs, insecureSkipTlsVerify, egress, caFile = [], clientCertFile, clientKeyFile } = options
  const maas = new URL(origin)
  const proxyUrl = egress === null ? null : new URL(egress.origin)
  const ca = [maas, proxyUrl].some(url => url?.protocol === 'https:') ? caCertificates(caFile) : []
  const own = clientCertFile === undefined ? {} : { cert: clientCertFile.join('\n'), key: clientKeyFile }
  const toMaas = maas.protocol === 'https:' ? securing({ ca, ...own }, !insecureSkipTlsVerify) : null
  // The egress proxy gets a password, so it is verified even with --insecure-skip-tls-verify.
  const toProxy = proxyUrl?.protocol === 'https:' ? securing({ ca }, true) : null
  const dialer = new Dialer()

  const openTo = async (url: URL, secure: Secure | null, signal: AbortSignal) => {
    const socket = await dialer.dial(withoutBrackets(url.hostname), Number(portOf(url)), signal)
    return secure === null ? socket : await secure(url, socket, signal)
  }
  const open = async (signal: AbortSignal) => {
    if (egress === null || proxyUrl === null) return await openTo(maas, toMaas, signal)
    const authority = `${maas.hostname}:${portOf(maas)}`
    const connect = async () => await openTo(proxyUrl, toProxy, signal)
    const tunnel = await openTunnel({ proxy: egress, connect, authority }, signal)
    return toMaas === null ? tunnel : await toMaas(maas, tunnel, signal)
  }
  return (_target, done) => {
    withDeadline(connectTimeoutMs, open).then(socket => { done(null, socket) }, (error: Error) => { done(error, null) })
  }
}

/** The way to MAAS for a pool. Certificates and key can be replaced while it is in use. */
export class ReplaceableConnector {
  readonly #origin: string
  readonly #options: ConnectorOptions
  #current: buildConnector.connector

  /** @param origin scheme, host and port of MAAS */
  constructor (origin: string, options: ConnectorOptions) {
    this.#origin = origin
    this.#options = options
    this.#current = createConnector(origin, options)
  }

  /** The function that opens connections from now on. */
  get current (): buildConnector.connector { return this.#current }

  /**
   * Replaces the certificates and the key.
   * @throws Error of OpenSSL about a certificate or key that it does not accept; nothing is replaced then
   */
  setTls (material: TlsMaterial): void {
    this.#current = createConnector(this.#origin, { ...this.#options, ...material })
  }
}

/**
 * Creates a function that makes TLS connections. It keeps sessions to resume, whose certificates are not verified
 * again, so other certificates need another function.
 * @param isVerified explicit, so that NODE_TLS_REJECT_UNAUTHORIZED has no effect
 */
function securing (material: { ca: string[], cert?: string, key?: string | undefined }, isVerified: boolean): Secure {
  const connect = buildConnector({
    timeout: 0, // the deadline of the whole way holds
    keepAlive: false, // the connection below has it
    allowH2: false,
    rejectUnauthorized: isVerified,
    // One context for all connections: parsing some 300 certificates blocks the event loop.
    secureContext: createSecureContext({ ...material, minVersion: MIN_TLS_VERSION })
  })
  return async ({ protocol, host, hostname, port }, httpSocket, signal) => {
    const target = { protocol, host, hostname: withoutBrackets(hostname), port, httpSocket }
    try {
      return await unlessAborted(signal, new Promise<Socket>((resolve, reject) => {
        connect(target, (...[error, socket]) => {
          if (error === null) resolve(socket)
          else reject(error)
        })
      }))
    } catch (error) {
      httpSocket.destroy()
      throw error
    }
  }
}
