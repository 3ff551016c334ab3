import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import fp from 'fastify-plugin'
import { whenAnswerOver } from '../answer-over.ts'
import { Exchange } from '../exchange.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What is known of this request so far. */
    exchange: Exchange
  }
}

/** Opens the exchange of every request; when the answer is out or given up, ends it and writes its one record. Registered first. */
export const accessLog = fp(async function accessLog (app: FastifyInstance) {
  app.decorateRequest('exchange')
  app.addHook('onRequest', (request, reply, next) => {
    request.exchange = new Exchange()
    whenAnswerOver(request.raw, reply.raw, () => {
      request.exchange.tearDown?.()
      record(request, reply.raw)
    })
    next()
  })
}, { name: 'access-log', fastify: '5.x' })

/**
 * The fields of a record. Of a query only the names and `op` are kept, of the header nothing: values may be secrets. A target that
 * was refused is left out, since it is not known what is in it.
 */
function record ({ id, method, exchange, log }: FastifyRequest, response: ServerResponse): void {
  const { target, client, operation, wouldRefuse, access, attempts, hint, error, requestBytes, responseBytes, startedAt } = exchange
  const fields = {
    id,
    client: client ?? undefined,
    method,
    path: target?.rawPath,
    queryKeys: target === null || target.query.length === 0 ? undefined : target.query.map(([name]) => printable(name)),
    op: operation?.op == null ? undefined : printable(operation.op),
    access: access ?? undefined,
    attempts: attempts > 1 ? attempts : undefined,
    status: response.headersSent ? response.statusCode : undefined,
    requestBytes,
    bytes: responseBytes,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    complete: response.writableFinished,
    hint: hint ?? undefined,
    error: error ?? undefined,
    wouldRefuse: wouldRefuse ?? undefined
  }
  if (response.statusCode >= 500 || error !== null || wouldRefuse !== null) log.warn(fields, 'request')
  else log.info(fields, 'request')
}

/** A decoded text without what a terminal would act on. */
function printable (text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\uffff]/g, '?')
}
