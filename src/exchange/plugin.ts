import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { asError } from '../errors.ts'
import { onResponseFinished } from '../http/response-tracker.ts'
import { Exchange } from './exchange.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The facts of this request so far. */
    exchange: Exchange
  }
}

/** The end of a request. */
export interface Outcome {
  request: FastifyRequest
  exchange: Exchange
  /** null if no answer was begun */
  status: number | null
  /** whether the client got the whole answer */
  complete: boolean
  /** from the first line of the request to the end of the answer, in milliseconds */
  ms: number
}

/** Finds the logger for records of a request. */
export type LogOf = (request: FastifyRequest) => FastifyBaseLogger

/** A function that gets the outcome of every request. */
export type Observer = (outcome: Outcome) => void

/**
 * Creates the function that logs the error of an observer. It never throws.
 * @param logOf finds the logger
 */
export function logObserverError (logOf: LogOf): NonNullable<ExchangesOptions['onObserverError']> {
  return (error, request) => {
    const { name, message, stack } = asError(error)
    const fields = { id: request.id, cause: { name, message }, stack }
    try {
      logOf(request).error(fields, 'an observer failed: a record or a count of this request is missing')
    } catch {} // a logger that failed for the record may fail for this one too
  }
}

/** The observers of requests. */
export interface ExchangesOptions {
  /** called in their order */
  observers: readonly Observer[]
  /** called with the error of an observer, which costs a record but never a request */
  onObserverError?: ((error: unknown, request: FastifyRequest) => void) | undefined
}

/**
 * Opens the exchange of every request, and calls the observers when the answer is sent or given up. It is registered
 * before all other plugins.
 */
export const exchanges = fp(async function exchanges (
  app: FastifyInstance, { observers, onObserverError }: ExchangesOptions
) {
  app.decorateRequest('exchange')
  app.addHook('onRequest', (request, reply, next) => {
    const exchange = new Exchange()
    request.exchange = exchange
    onResponseFinished(request.raw, reply.raw, () => {
      const { headersSent, statusCode, writableFinished } = reply.raw
      const status = headersSent ? statusCode : null
      const ms = performance.now() - exchange.startedAt
      const outcome = { request, exchange, status, complete: writableFinished, ms }
      for (const observe of observers) {
        try {
          observe(outcome)
        } catch (error) {
          onObserverError?.(error, request)
        }
      }
    })
    next()
  })
}, { name: 'exchanges', fastify: '5.x' })
