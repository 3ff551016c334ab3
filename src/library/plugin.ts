import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import { maasFacts } from '../proxy/maas-facts.ts'
import { proxyPipeline } from '../proxy/pipeline.ts'
import { announce, openBackend } from '../proxy/backend.ts'
import { accessLog } from '../observe/log/access-log.ts'
import { auditLog } from '../observe/log/audit-log.ts'
import { logObserverError, type LogOf } from '../exchange/plugin.ts'
import type { ListenerConfig } from '../settings/listener-config.ts'
import { formatListenAddress, isLoopback } from '../listen/address.ts'
import { type Config, configure } from '../settings/load.ts'
import { SettingsReport } from '../settings/report.ts'
import { LiveConfig } from '../proxy/live-config.ts'
import { hostClient } from './host-client.ts'
import { type MaasAuthProxyOptions, readOptions } from './options.ts'

/** The plugin: the pipeline to MAAS in a scope of its own, with its connections, keys and client tokens. */
export const plugin = fp(async function maasAuthProxy (app: FastifyInstance, options: MaasAuthProxyOptions) {
  const report = new SettingsReport()
  checkServer(app, report)
  const config = await readConfig(options, report)
  const listener = config.listeners[0] as ListenerConfig
  const backend = openBackend(config, app.log)
  const { upstream, ring, close } = backend
  const live = new LiveConfig(config, { logger: app.log, queue: upstream.queue, ownClient: null })
  app.addHook('onClose', async () => {
    live.close()
    await close()
  })
  announce(config, app.log)
  if (listener.clients === undefined) {
    app.addHook('onListen', function warnIfOpen () { warnOfOpenAddresses(app) })
  }
  const key = ring.of(listener.keyId)
  const logOf: LogOf = ({ log }) => log // the logger of the request, with the server's own fields
  const observers = [...options.accessLog === false ? [] : [accessLog(logOf)], auditLog(logOf, () => undefined)]
  await app.register(proxyPipeline, {
    ruleset: () => live.listener(0).ruleset,
    upstream,
    credential: key.credential,
    maasFacts: maasFacts(backend, key),
    hostClient: options.client === undefined ? null : hostClient(options.client),
    observers,
    onObserverError: logObserverError(logOf),
    logOf,
    ownPages: new Set<string>(),
    isEmbedded: true
  })
}, { name: 'maas-auth-proxy', fastify: '5.x', encapsulate: true })

/** Makes the configuration from the options. */
async function readConfig (options: MaasAuthProxyOptions, report: SettingsReport): Promise<Config> {
  const lookup = readOptions(options, report)
  // Sockets that systemd passed are the server's. As listeners of the proxy they would extend the allowed hosts.
  const { LISTEN_PID: _pid, ...environment } = options.env ?? {}
  const inputs = { program: lookup, listeners: [{ where: '', lookup, clients: undefined }] }
  return await configure(inputs, environment, report, async () => await readConfig(options, new SettingsReport()))
}

/** The route of the plugin. */
const ROUTE = '/MAAS/*'

/** Checks that the plugin can work in a server, and at this place in it. */
function checkServer (app: FastifyInstance, report: SettingsReport): void {
  const { prefix, initialConfig } = app
  if (app.hasRoute({ method: 'GET', url: ROUTE })) {
    report.problem(`${ROUTE}: the server has this route already; register the plugin once, and no route of yours there`)
  }
  if (prefix !== '') {
    const reason = 'clients of MAAS put absolute paths, /MAAS/..., behind the origin of its address'
    report.problem(`prefix: is ${prefix}, but ${reason}; register the plugin without a prefix`)
  }
  if (initialConfig.http2 === true) {
    report.problem('http2: the proxy speaks HTTP/1.1 only, as MAAS does; register the plugin in a server without http2')
  }
}

/**
 * Warns if other machines reach the server and the plugin does not ask for tokens. The addresses are known only once
 * the server listens, and hooks of the server may check clients.
 */
function warnOfOpenAddresses (app: FastifyInstance): void {
  const open = app.addresses().flatMap((address: AddressInfo | string) => {
    if (typeof address === 'string') return [] // a unix socket
    const tcpAddress = { host: address.address, port: address.port }
    return isLoopback(tcpAddress) ? [] : [formatListenAddress(tcpAddress)]
  })
  if (open.length === 0) return
  const risk = 'unless hooks of the server ask who they are, they have the whole power of the API key'
  const remedy = 'give clients tokens with clientTokenFile'
  app.log.warn(`${open.join(' and ')} can be reached from other machines: ${risk}; ${remedy}`)
}
