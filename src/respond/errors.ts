import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { METHODS } from '../admit/framing.ts'
import { pendingAnswers } from '../answer-over.ts'
import { type ErrorCode, ProxyError } from '../errors.ts'

/** Answers every error with the proxy's JSON and the header that tells the proxy's answers from MAAS's. */
export const errorAnswers = fp(async function errorAnswers (app: FastifyInstance) {
  const lastAnswers = new WeakMap<Socket, ServerResponse>()
  app.addHook('onRequest', ({ raw }, reply, next) => {
    lastAnswers.set(raw.socket, reply.raw)
    next()
  })
  app.setErrorHandler<FastifyError>(answerError)

  // What has no Fastify route: node hands over the bare socket, or would answer itself.
  const refuse = (socket: Socket, error: ProxyError) => {
    app.log.warn({ code: error.code }, 'connection refused')
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
    if (pendingAnswers(socket) > 0) socket.destroySoon()
    else refuse(socket, new ProxyError('MAAS_PROXY_EXPECTATION_UNSUPPORTED'))
  })
}, { name: 'error-answers', fastify: '5.x', dependencies: ['exchanges'] })

/** Sends an error of ours. One that is not ours is a defect: the client learns its request id, the log has the rest. */
function answerError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const ours = error instanceof ProxyError ? error : new ProxyError('MAAS_PROXY_INTERNAL', { message: `the proxy failed in request ${request.id}`, cause: error })
  request.exchange.error = ours.code
  if (ours !== error) request.log.error({ id: request.id, code: ours.code, ...describe(error), stack: error.stack }, ours.message)
  else if (ours.cause !== undefined) request.log.warn({ id: request.id, code: ours.code, ...describe(ours.cause as NodeJS.ErrnoException) }, ours.message)
  if (ours.statusCode === 405) void reply.header('Allow', METHODS.join(', '))
  if (ours.statusCode === 401) void reply.header('WWW-Authenticate', 'Bearer realm="maas-auth-proxy"')
  request.raw.resume() // what is left of a body is dropped, so that the connection can go on
  void reply.code(ours.statusCode).headers({ 'MAAS-Proxy-Error': ours.code, 'Content-Type': 'application/json; charset=utf-8' }).send(ours.body())
}

/** Of an error its name, code and message and nothing more: undici puts the bytes that it could not read into others. */
function describe ({ name, code, message }: NodeJS.ErrnoException) {
  return { cause: { name, code, message } }
}

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
  if (last.req.complete) return pendingAnswers(socket) === 0
  return pendingAnswers(socket) <= 1 && !last.headersSent
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
