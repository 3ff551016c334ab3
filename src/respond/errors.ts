import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isEncrypted } from '../http/fields.ts'
import { lingerOnClose } from '../http/lingering-close.ts'
import { METHODS } from '../http/methods.ts'
import { type ErrorCode, ProxyError } from '../errors.ts'
import type { LogOf } from '../exchange/plugin.ts'
import { withSources } from '../text/source-map.ts'

interface ErrorAnswersOptions {
  /** whether the server belongs to a host program, whose own handler then answers errors that are not the proxy's */
  isEmbedded: boolean
  logOf: LogOf
}

/** Answers errors with the proxy's JSON. The header `MAAS-Proxy-Error` tells these answers from those of MAAS. */
export const errorAnswers = fp(async function errorAnswers (
  app: FastifyInstance, { isEmbedded, logOf }: ErrorAnswersOptions
) {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (isEmbedded && !(error instanceof ProxyError)) throw error
    answerError(error, request, reply, logOf(request))
  })
}, { name: 'error-answers', fastify: '5.x', dependencies: ['exchanges'] })

/**
 * The seconds after which to send a request again, by the error. Requests that use a connection to MAAS for long take
 * seconds or minutes; a form is read in less.
 */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = {
  MAAS_PROXY_QUEUE_TIMED_OUT: 5,
  MAAS_PROXY_FORM_MEMORY_EXHAUSTED: 1
}

/** Errors that end the connection: of a slow client (RFC 9110 §15.5.9), and of a message whose end is in doubt. */
const CLOSING: ReadonlySet<ErrorCode> = new Set([
  'MAAS_PROXY_REQUEST_TIMED_OUT', 'MAAS_PROXY_BODY_TIMED_OUT', 'MAAS_PROXY_REQUEST_MALFORMED',
  'MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED'
])

/** Sends an error. Any but a ProxyError is a defect: the client gets the request id, and the log gets the details. */
function answerError (error: Error, request: FastifyRequest, reply: FastifyReply, log: FastifyBaseLogger): void {
  const proxyError = error instanceof ProxyError
    ? error
    : new ProxyError('MAAS_PROXY_INTERNAL', { message: `the proxy failed in request ${request.id}`, cause: error })
  const { code, cause, message, statusCode } = proxyError
  request.exchange.error = code
  const fields = { id: request.id, code }
  if (proxyError !== error) log.error({ ...fields, ...describe(error), stack: withSources(error.stack) }, message)
  else if (cause !== undefined) log.warn({ ...fields, ...describe(cause as NodeJS.ErrnoException) }, message)
  if (statusCode === 405) void reply.header('Allow', METHODS.join(', '))
  if (CLOSING.has(code)) reply.raw.shouldKeepAlive = false // at once, for `followsClose`
  const retryAfter = RETRY_AFTER_S[code]
  if (retryAfter !== undefined) void reply.header('Retry-After', retryAfter)
  if (statusCode === 401) void reply.header('WWW-Authenticate', 'Bearer realm="maas-auth-proxy"')
  lingerOnClose(request.raw)
  request.raw.resume() // the rest of a body is dropped, so that the connection can be used again
  void reply.code(statusCode)
    .headers({ 'MAAS-Proxy-Error': code, 'Content-Type': 'application/json; charset=utf-8' })
    .send(proxyError.body(isEncrypted(request.raw.socket)))
}

/** The loggable parts of an error. Other properties may hold bytes of an answer, which undici attaches. */
function describe ({ name, code, message }: NodeJS.ErrnoException) {
  return { cause: { name, code, message } }
}
