import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { pendingResponses } from '../http/response-tracker.ts'
import { type ErrorCode, ProxyError } from '../errors.ts'

/** Who is told of what was refused before it was a request. */
export interface SocketErrorsOptions {
  logger: FastifyBaseLogger
  onRefusal: (code: ErrorCode) => void
}

/** Answers, in a server of our own, what has no route of Fastify's: node hands over the bare socket, or would answer itself. */
export const socketErrors = fp(async function socketErrors (app: FastifyInstance, { logger, onRefusal }: SocketErrorsOptions) {
  const lastAnswers = new WeakMap<Socket, ServerResponse>()
  app.addHook('onRequest', ({ raw }, reply, next) => {
    lastAnswers.set(raw.socket, reply.raw)
    next()
  })

  const refuse = (socket: Socket, error: ProxyError) => {
    logger.warn({ code: error.code, reason: error.message }, 'refused, and no request that could be read')
    onRefusal(error.code)
    refuseSocket(socket, error)
  }
  app.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || CLIENT_GONE.has(String(error.code))) socket.destroy()
    else if (!isFree(socket, lastAnswers.get(socket))) socket.destroySoon()
    else refuse(socket, new ProxyError(PARSER_ERRORS[String(error.code)] ?? 'MAAS_PROXY_REQUEST_MALFORMED'))
  })
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    refuse(socket, new ProxyError('MAAS_PROXY_METHOD_UNSUPPORTED', { message: 'the method CONNECT is not one of the MAAS API' }))
  })
  app.server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    if (pendingResponses(socket) > 0) socket.destroySoon()
    else refuse(socket, new ProxyError('MAAS_PROXY_EXPECTATION_UNSUPPORTED'))
  })
}, { name: 'socket-errors', fastify: '5.x' })

/** Codes of a client that went away, in the middle of a request too: there is nobody to answer. */
const CLIENT_GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE'])

/** What node's parser refuses by itself, by the code it gives; all else is malformed. */
const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'MAAS_PROXY_HEADER_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'MAAS_PROXY_REQUEST_TIMED_OUT'
}

/**
 * Whether an answer to what the parser could not read is taken for nothing else: no other answer is to come on the
 * connection, or only that to the request whose own body it was, and it has not begun.
 */
function isFree (socket: Socket, last: ServerResponse | undefined): boolean {
  if (last === undefined) return true
  if (last.req.complete) return pendingResponses(socket) === 0
  return pendingResponses(socket) <= 1 && !last.headersSent
}

/** Writes an error onto a connection that no request can follow on, and ends it. */
function refuseSocket (socket: Socket, error: ProxyError): void {
  const body = error.body()
  const head = [
    `HTTP/1.1 ${error.statusCode} ${STATUS_CODES[error.statusCode]}`,
    `MAAS-Proxy-Error: ${error.code}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close'
  ]
  socket.on('error', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
