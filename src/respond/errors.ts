import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { METHODS } from '../http/methods.ts'
import { ProxyError } from '../errors.ts'
import type { LogOf } from '../exchange/plugin.ts'
import { withSources } from '../text/source-map.ts'

/** Whose errors are answered. */
export interface ErrorAnswersOptions {
  /** whether the server is somebody else's: then errors that are not ours, as those of its hooks, are left to its own handler */
  isEmbedded: boolean
  logOf: LogOf
}

/** Answers errors with the proxy's JSON and the header that tells the proxy's answers from MAAS's. */
export const errorAnswers = fp(async function errorAnswers (app: FastifyInstance, { isEmbedded, logOf }: ErrorAnswersOptions) {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (isEmbedded && !(error instanceof ProxyError)) throw error
    answerError(error, request, reply, logOf(request))
  })
}, { name: 'error-answers', fastify: '5.x', dependencies: ['exchanges'] })

/** Sends an error of ours. One that is not ours is a defect: the client learns its request id, the log has the rest. */
function answerError (error: Error, request: FastifyRequest, reply: FastifyReply, log: FastifyBaseLogger): void {
  const ours = error instanceof ProxyError ? error : new ProxyError('MAAS_PROXY_INTERNAL', { message: `the proxy failed in request ${request.id}`, cause: error })
  request.exchange.error = ours.code
  const fields = { id: request.id, code: ours.code }
  if (ours !== error) log.error({ ...fields, ...describe(error), stack: withSources(error.stack) }, ours.message)
  else if (ours.cause !== undefined) log.warn({ ...fields, ...describe(ours.cause as NodeJS.ErrnoException) }, ours.message)
  if (ours.statusCode === 405) void reply.header('Allow', METHODS.join(', '))
  if (ours.statusCode === 401) void reply.header('WWW-Authenticate', 'Bearer realm="maas-auth-proxy"')
  request.raw.resume() // what is left of a body is dropped, so that the connection can go on
  void reply.code(ours.statusCode).headers({ 'MAAS-Proxy-Error': ours.code, 'Content-Type': 'application/json; charset=utf-8' }).send(ours.body())
}

/** Of an error its name, code and message and nothing more: undici puts the bytes that it could not read into others. */
function describe ({ name, code, message }: NodeJS.ErrnoException) {
  return { cause: { name, code, message } }
}
