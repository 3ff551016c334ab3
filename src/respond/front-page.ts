import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { formatListenAddress, type ListenAddress } from '../listen/address.ts'

/**
 * Registers `/`: a page of text that says what this is, with lines to copy.
 * @param options maas: the address of MAAS, as shown to people; listen: where this server is to listen, its port perhaps open
 */
export async function frontPage (app: FastifyInstance, { maas, listen }: { maas: string, listen: ListenAddress }): Promise<void> {
  app.get('/', (_request, reply) => {
    // Not the client's Host, which would go into lines for a shell.
    const [socket, origin] = 'path' in listen ? [`--unix-socket '${listen.path}' `, 'http://localhost'] : ['', formatListenAddress({ ...listen, port: (app.server.address() as AddressInfo).port })]
    const curl = (path: string) => `  curl ${socket}'${origin}/MAAS/api/2.0/${path}'\n`
    return reply.type('text/plain; charset=utf-8').send(`maas-auth-proxy: the API of MAAS at ${maas}, signed here. No key is needed, none is looked at.

${['version/', 'users/?op=whoami', 'machines/'].map(curl).join('')}`)
  })
}
