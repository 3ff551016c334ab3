import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { METHODS } from '../admit/framing.ts'
import { type ErrorCode, ProxyError } from '../errors.ts'

/** Answers every error with the proxy's JSON and the header that tells the proxy's answers from MAAS's. */
export const errorAnswers = fp(async function errorAnswers (app: FastifyInstance) {
  const answers = new WeakMap<Socket, ServerResponse>()
  app.addHook('onRequest', ({ raw }, reply, next) => {
    answers.set(raw.socket, reply.raw)
    next()
  })
  app.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => answerClientError(error, socket, answers.get(socket)))
  app.setErrorHandler<FastifyError>(answerError)
  // CONNECT has no Fastify route: node hands over the bare socket.
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    refuseSocket(socket, new ProxyError('MAAS_PROXY_METHOD_UNSUPPORTED', { message: 'the method CONNECT is not one of the MAAS API' }))
  })
}, { name: 'error-answers', fastify: '5.x', dependencies: ['access-log'] })

/** Sends an error of ours. One that is not ours is a defect: the client learns its request id, the log has the rest. */
function answerError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const ours = error instanceof ProxyError ? error : new ProxyError('MAAS_PROXY_INTERNAL', { message: `the proxy failed in request ${request.id}`, cause: error })
  request.exchange.error = ours.code
  if (ours !== error) request.log.error({ id: request.id, code: ours.code, ...describe(error), stack: error.stack }, ours.message)
  else if (ours.cause !== undefined) request.log.warn({ id: request.id, code: ours.code, ...describe(ours.cause as NodeJS.ErrnoException) }, ours.message)
  if (ours.statusCode === 405) void reply.header('Allow', METHODS.join(', '))
  void reply.code(ours.statusCode).headers({ 'MAAS-Proxy-Error': ours.code, 'Content-Type': 'application/json; charset=utf-8' }).send(ours.body())
}

/** Of an error its name, code and message and nothing more: undici puts the bytes that it could not read into others. */
function describe ({ name, code, message }: NodeJS.ErrnoException) {
  return { cause: { name, code, message } }
}

/** What node's parser refuses by itself, by the code it gives; all else is malformed. */
const PARSER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'MAAS_PROXY_HEADER_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'MAAS_PROXY_REQUEST_TIMED_OUT'
}

/**
 * Answers what node's parser could not read, unless the client would take that for the answer to another request: then the
 * connection just ends.
 * @param last the answer to the last request on this connection, if there was one
 */
function answerClientError (error: NodeJS.ErrnoException, socket: Socket, last: ServerResponse | undefined): void {
  const free = last === undefined || (last.req.complete ? last.writableFinished : !last.headersSent)
  if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
  else if (!free) socket.destroySoon()
  else refuseSocket(socket, new ProxyError(PARSER_ERRORS[String(error.code)] ?? 'MAAS_PROXY_REQUEST_MALFORMED'))
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
