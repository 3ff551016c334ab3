import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { isEncrypted } from '../http/fields.ts'
import { linger } from '../http/lingering-close.ts'
import { breakOff, endAfterAnswers, pendingResponses } from '../http/response-tracker.ts'
import { PLAIN_HTTP } from '../listen/secure-server.ts'
import { type ErrorCode, NO_FORWARD_PROXY, ProxyError } from '../errors.ts'

interface SocketErrorsOptions {
  logger: FastifyBaseLogger
  /** called with the code of every refusal */
  onRefusal: (code: ErrorCode) => void
}

/**
 * Answers what never reaches a route of Fastify: bytes that Node cannot parse, CONNECT, and unknown expectations. The
 * server has to be the proxy's own.
 */
export const socketErrors = fp(async function socketErrors (
  app: FastifyInstance, { logger, onRefusal }: SocketErrorsOptions
) {
  const lastResponses = new WeakMap<Socket, ServerResponse>()
  app.addHook('onRequest', ({ raw }, reply, next) => {
    lastResponses.set(raw.socket, reply.raw)
    next()
  })

  const refuse = (socket: Socket, error: ProxyError, respond: (socket: Socket, error: ProxyError) => void) => {
    logger.warn({ code: error.code, reason: error.message }, 'refused before routing')
    onRefusal(error.code)
    respond(socket, error)
  }
  app.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || CLIENT_GONE.has(String(error.code))) socket.destroy()
    else {
      const code = PARSER_ERRORS[String(error.code)] ?? 'MAAS_PROXY_REQUEST_MALFORMED'
      const respond = canAnswer(socket, lastResponses.get(socket)) ? writeError : endAfterAnswers
      refuse(socket, new ProxyError(code), respond)
    }
  })
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    const message = 'the client asks for a tunnel with CONNECT, and this is no forward proxy'
    const error = new ProxyError('MAAS_PROXY_METHOD_UNSUPPORTED', { message, remedy: NO_FORWARD_PROXY })
    // Node has let go of the connection: a large answer would never be written to its end.
    refuse(socket, error, pendingResponses(socket) === 0 ? writeError : breakOff)
  })
  app.server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    const respond = pendingResponses(socket) === 0 ? writeError : endAfterAnswers
    refuse(socket, new ProxyError('MAAS_PROXY_EXPECTATION_UNSUPPORTED'), respond)
  })
}, { name: 'socket-errors', fastify: '5.x' })

/** Error codes of a client that has closed its connection: no answer is possible. */
const CLIENT_GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE'])

/** Our codes by those of Node's parser. Any other code of the parser means a malformed request. */
const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  [PLAIN_HTTP]: 'MAAS_PROXY_TLS_REQUIRED',
  HPE_HEADER_OVERFLOW: 'MAAS_PROXY_HEADER_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'MAAS_PROXY_REQUEST_TIMED_OUT'
}

/**
 * Whether the client will match an answer to the bytes that the parser rejected: no other response is pending on the
 * connection, or the bytes belong to the body of the only pending request and its response has not begun.
 * @param last the latest response on the connection
 */
function canAnswer (socket: Socket, last: ServerResponse | undefined): boolean {
  if (last === undefined) return true
  if (last.req.complete) return pendingResponses(socket) === 0
  return pendingResponses(socket) <= 1 && !last.headersSent
}

/** Writes an error to a connection and closes it. */
function writeError (socket: Socket, error: ProxyError): void {
  const body = error.body(isEncrypted(socket))
  const head = [
    `HTTP/1.1 ${error.statusCode} ${STATUS_CODES[error.statusCode]}`,
    `MAAS-Proxy-Error: ${error.code}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close'
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  linger(socket)
}
