/*
 * A Fastify without schema compilers. It buys a shorter start: loading the two compilers takes a sixth of it (2026-11).
 * Measure again: `npm run bench`.
 * Replacement: Fastify's default; delete this file and the option `schemaController`.
 */
import type { FastifyServerOptions } from 'fastify'

/** The option that keeps Fastify from loading its schema compilers. The proxy's routes have no schemas. */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema }
}

/* c8 ignore next 3 */
function noSchema (): never {
  throw new Error('a route has a schema, but no schema compiler is loaded')
}
