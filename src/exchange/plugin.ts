import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { onResponseFinished } from '../http/response-tracker.ts'
import { Exchange } from './exchange.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What is known of this request so far. */
    exchange: Exchange
  }
}

/** How a request went. */
export interface Outcome {
  request: FastifyRequest
  exchange: Exchange
  /** null where no answer was begun */
  status: number | null
  /** whether the client got the whole answer */
  complete: boolean
  /** from the first line of the request to the end of the answer, in milliseconds */
  ms: number
}

/** Finds the log for what is said of a request. */
export type LogOf = (request: FastifyRequest) => FastifyBaseLogger

/** Is told of every request when its answer is out or given up. */
export type Observer = (outcome: Outcome) => void

/** Creates what logs the error of an observer, as one that could not write its record. */
export function logObserverError (logOf: LogOf): ExchangesOptions['onObserverError'] {
  return (error, request) => {
    const { name, message, stack } = error as Error
    logOf(request).error({ id: request.id ?? undefined, cause: { name, message }, stack }, 'an observer failed: a record or a count of this request is missing')
  }
}

/** Who is told of requests. */
export interface ExchangesOptions {
  observers: readonly Observer[]
  /** called with what an observer threw, which costs its record and nothing else */
  onObserverError: (error: unknown, request: FastifyRequest) => void
}

/** Opens the exchange of every request; when the answer is out or given up, ends it and tells the observers, in their order. Registered first. */
export const exchanges = fp(async function exchanges (app: FastifyInstance, { observers, onObserverError }: ExchangesOptions) {
  app.decorateRequest('exchange')
  app.addHook('onRequest', (request, reply, next) => {
    const exchange = new Exchange()
    request.exchange = exchange
    onResponseFinished(request.raw, reply.raw, () => {
      const { headersSent, statusCode, writableFinished } = reply.raw
      const outcome = { request, exchange, status: headersSent ? statusCode : null, complete: writableFinished, ms: performance.now() - exchange.startedAt }
      for (const observe of observers) {
        try {
          observe(outcome)
        } catch (error) {
          onObserverError(error, request)
        }
      }
    })
    next()
  })
}, { name: 'exchanges', fastify: '5.x' })
