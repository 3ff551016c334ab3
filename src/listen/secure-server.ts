import type { FastifyBaseLogger } from 'fastify'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createServer, type Server as TlsServer, TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { trackConnection, UNENCRYPTED } from './listener.ts'

/** The certificates and the key of a listener, in PEM. */
export interface ListenerTls {
  /** its certificate, with those of its CAs */
  readonly cert: readonly string[]
  readonly key: string
  /** the CAs of clients, who are asked for certificates; null if they are not */
  readonly clientCa: readonly string[] | null
}

/** How long a client may take until its connection is encrypted: as long as for the header of a request. */
const HANDSHAKE_TIMEOUT_MS = 60_000

/** The code with which `clientError` tells of http where TLS is expected. It is OpenSSL's own. */
export const PLAIN_HTTP = 'ERR_SSL_HTTP_REQUEST'

/**
 * The options of TLS of a listener: 1.2 and newer. The handshake of a client with a bad certificate succeeds, so that
 * its request can be told what is wrong.
 */
export function secureOptionsOf ({ cert, key, clientCa }: ListenerTls) {
  const options = { cert: cert.join('\n'), key, minVersion: 'TLSv1.2' } as const
  if (clientCa === null) return options
  return { ...options, ca: [...clientCa], requestCert: true, rejectUnauthorized: false }
}

/**
 * Puts TLS in front of a server that does not listen yet. Its listeners of `connection` get encrypted connections only,
 * after their handshakes. A client that speaks http gets a `clientError` with the code {@link PLAIN_HTTP}. A handshake
 * that fails ends its connection, and is logged at level debug.
 * @param current returns the certificate for new connections; null, as a reload may leave none, keeps the one before
 */
export function secureServer (
  server: Server, first: ListenerTls, current: () => ListenerTls | null, logger: FastifyBaseLogger
): void {
  const unencrypted = new Map<string, () => void>()
  const serverFor = (tls: ListenerTls) => {
    const tlsServer = createServer({
      ...secureOptionsOf(tls), ALPNProtocols: ['http/1.1'], handshakeTimeout: HANDSHAKE_TIMEOUT_MS
    })
    tlsServer.on('secureConnection', socket => {
      unencrypted.get(peerOf(socket))?.()
      clientCaBySocket.set(socket, tls.clientCa ?? [])
      server.emit('connection', socket)
    })
    tlsServer.on('tlsClientError', ({ code, message }: NodeJS.ErrnoException, socket) => {
      logger.debug({ code, reason: message.trim() }, 'a client and the proxy could not agree on a TLS connection')
      socket.destroy()
    })
    return tlsServer
  }
  let inForce = { tls: first, tlsServer: serverFor(first) }
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean
  const accept = (socket: Socket) => {
    const peer = peerOf(socket)
    const untrack = trackConnection(server, socket)
    emit(UNENCRYPTED, socket)
    unencrypted.set(peer, untrack)
    socket.once('close', () => { if (unencrypted.get(peer) === untrack) unencrypted.delete(peer) })
    const tls = current() ?? inForce.tls
    // Another server has other keys for session tickets, so no client resumes a session of the old certificate.
    if (!isDeepStrictEqual(tls, inForce.tls)) inForce = { tls, tlsServer: serverFor(tls) }
    sort(socket, server, inForce.tlsServer)
  }
  // Node's server hands every connection to its parser, so it must not see one before its handshake.
  Object.assign(server, {
    emit (event: string, ...args: unknown[]) {
      const [socket] = args
      if (event !== 'connection' || socket instanceof TLSSocket) return emit(event, ...args)
      accept(socket as Socket)
      return true
    }
  })
}

const clientCaBySocket = new WeakMap<Socket, readonly string[]>()

/** The CAs by which the certificate of a connection with TLS was verified, in PEM. */
export function clientCaOf (socket: Socket): readonly string[] {
  return clientCaBySocket.get(socket) as readonly string[]
}

/** Hands a connection on, by its first byte: no record of TLS begins with a letter, and every request of http does. */
function sort (socket: Socket, server: Server, tls: TlsServer): void {
  const end = () => { socket.destroy() }
  const silence = setTimeout(end, HANDSHAKE_TIMEOUT_MS)
  socket.on('error', end).once('close', () => { clearTimeout(silence) })
  socket.once('readable', () => {
    clearTimeout(silence)
    const start = socket.read() as Buffer | null
    if (start === null) return end() // the client has gone
    socket.unshift(start)
    if (!/^[a-z]/i.test(start.toString('latin1', 0, 1))) tls.emit('connection', socket)
    else server.emit('clientError', Object.assign(new Error('http without TLS'), { code: PLAIN_HTTP }), socket)
  })
}

/** The address of a client, by which the two sockets of one connection are known. */
function peerOf ({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
