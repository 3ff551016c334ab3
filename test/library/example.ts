import { fastify } from 'fastify'
import { maasAuthProxy } from 'maas-auth-proxy'

const app = fastify({ logger: true })
app.get('/', async () => 'a page of my own')
app.addHook('onRequest', async request => {
  request.log.info('here you may ask who it is')
})
await app.register(maasAuthProxy, {
  env: process.env, // MAAS_URL and MAAS_API_KEY, or MAAS_API_KEY_FILE
  allow: ['GET machines/**', 'POST machines/*?op=power_on'],
  responseTimeout: '60s'
})
await app.listen({ port: Number(process.env['PORT'] ?? 8080) })
