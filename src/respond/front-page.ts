import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { formatListenAddress, type ListenAddress } from '../listen/address.ts'

interface FrontPageOptions {
  /** the URL of MAAS */
  maas: string
  /** the configured address of this server; its port may be 0 */
  listen: ListenAddress
}

/** Registers `/`: a page of text that says what this server is, with commands to copy. */
export async function frontPage (app: FastifyInstance, { maas, listen }: FrontPageOptions): Promise<void> {
  app.get('/', (_request, reply) => {
    const curl = curlCommand(listen, app)
    const commands = ['version/', 'users/?op=whoami', 'machines/'].map(path => `  ${curl(path)}\n`)
    const title = `maas-auth-proxy: the API of MAAS at ${maas}. The proxy signs requests; clients need no API key.`
    return reply.type('text/plain; charset=utf-8').send(`${title}\n\n${commands.join('')}`)
  })
}

/**
 * Creates the function that writes a curl command. The client's `Host` has no part in it: it could inject shell code.
 */
function curlCommand (listen: ListenAddress, app: FastifyInstance): (path: string) => string {
  if ('path' in listen) return path => `curl --unix-socket '${listen.path}' 'http://localhost/MAAS/api/2.0/${path}'`
  const { port } = app.server.address() as AddressInfo
  return path => `curl '${formatListenAddress({ ...listen, port })}/MAAS/api/2.0/${path}'`
}
