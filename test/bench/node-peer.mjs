// A proxy from npm as it comes, signing nothing, in a process of its own: `node node-peer.mjs NAME PORT UPSTREAM`.
import { Agent, createServer } from 'node:http'

const [name, port, target] = process.argv.slice(2)
const listen = { port: Number(port), host: '127.0.0.1' }

const starters = {
  '@fastify/http-proxy': async () => {
    const { fastify } = await import('fastify')
    const { default: httpProxy } = await import('@fastify/http-proxy')
    const app = fastify()
    await app.register(httpProxy, { upstream: target })
    await app.listen(listen)
  },
  'http-proxy-3': async () => {
    const { createProxyServer } = await import('http-proxy-3')
    serve(createProxyServer({ target, agent: new Agent({ keepAlive: true }) }))
  },
  httpxy: async () => {
    const { createProxyServer } = await import('httpxy')
    serve(createProxyServer({ target, agent: new Agent({ keepAlive: true }) }))
  }
}

function serve (proxy) {
  createServer((request, response) => { proxy.web(request, response) }).listen(listen)
}

await starters[name]()
