import type { FastifyInstance } from 'fastify'

/** Registers `/`: a page of text that says what this is, with lines to copy. @param maas the address of MAAS, as shown to people */
export async function frontPage (app: FastifyInstance, { maas }: { maas: string }): Promise<void> {
  app.get('/', (request, reply) => {
    const api = `http://${request.host}/MAAS/api/2.0`
    return reply.type('text/plain; charset=utf-8').send(`maas-auth-proxy: the API of MAAS at ${maas}, signed here. No key is needed, none is looked at.

  curl '${api}/version/'
  curl '${api}/users/?op=whoami'
  curl '${api}/machines/'
`)
  })
}
