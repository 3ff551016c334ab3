import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { formatListenAddress } from '../settings/listen.ts'

/** Registers `/`: a page of text that says what this is, with lines to copy. @param maas the address of MAAS, as shown to people */
export async function frontPage (app: FastifyInstance, { maas }: { maas: string }): Promise<void> {
  app.get('/', (_request, reply) => {
    const address = app.server.address() as AddressInfo | string
    // Not the client's Host, which would go into lines for a shell.
    const [socket, origin] = typeof address === 'string' ? [`--unix-socket '${address}' `, 'http://localhost'] : ['', formatListenAddress({ host: address.address, port: address.port })]
    const curl = (path: string) => `  curl ${socket}'${origin}/MAAS/api/2.0/${path}'\n`
    return reply.type('text/plain; charset=utf-8').send(`maas-auth-proxy: the API of MAAS at ${maas}, signed here. No key is needed, none is looked at.

${['version/', 'users/?op=whoami', 'machines/'].map(curl).join('')}`)
  })
}
