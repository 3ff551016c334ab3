import type { FastifyServerOptions } from 'fastify'

/** No route of ours has a schema. Without a word on who compiles them Fastify loads two compilers, a sixth of the whole start. */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } }

/* c8 ignore next 3 */
function noSchema (): never {
  throw new Error('a route has a schema, and nothing to compile it')
}
