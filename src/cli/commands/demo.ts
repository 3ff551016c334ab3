import type { StandIn } from '../../demo/stand-in/index.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Command, EXIT, openLog, stopSignal, stopUnlessSignalled, uncaughtError } from '../command.ts'
import { type RunningProxy, startProxy } from '../../proxy/start.ts'

/** Shows the proxy at work without a MAAS: a stand-in that verifies as MAAS does, requests to copy, and their answers. */
export const demo: Command = {
  help: 'run the proxy in front of a stand-in MAAS in this process, and show requests to copy',
  async run ({ flags }, { env, stdout, stderr, signals }) {
    if (flags.maasUrl !== undefined || flags.apiKeyFile !== undefined) throw new SettingsError(['demo: has a MAAS and a key of its own; leave --maas-url and --api-key-file out'])
    const stopping = stopSignal(signals)
    const { startStandIn } = await import('../../demo/stand-in/index.ts') // which nobody else needs to load
    const standIn = await startStandIn()
    const { consumer, token, secret } = standIn.admin
    const config = await loadConfig(flags, { ...withoutMaas(env), MAAS_URL: standIn.url, MAAS_API_KEY: `${consumer}:${token}:${secret}` })
    const logger = await openLog(config, stderr, signals)
    const proxy = await startWhereFree(config, logger)
    stdout.write(await show(standIn, proxy))
    const reason = await Promise.race([stopping, uncaughtError(signals, logger)])
    const code = await stopUnlessSignalled(signals, {
      ...proxy,
      stop: async () => {
        await proxy.stop()
        await standIn.close()
      }
    })
    await logger.destination.close()
    return code || (reason ?? EXIT.ok)
  }
}

/** The demo has its own MAAS: what the user's environment says of another one is not for it. */
function withoutMaas ({ MAAS_API_KEY_FILE: _file, ...env }: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return env
}

/** Listens where `serve` would, so that lines can be copied from README, or on a free port if that one cannot be had. */
async function startWhereFree (config: Config, logger: Parameters<typeof startProxy>[1]): Promise<RunningProxy> {
  try {
    return await startProxy(config, logger)
  } catch (error) {
    logger.warn({ reason: (error as Error).message }, 'the demo takes a free port')
    return await startProxy({ ...config, listeners: config.listeners.slice(0, 1).map(listener => ({ ...listener, address: { host: '127.0.0.1', port: 0 } })) }, logger)
  }
}

async function show (standIn: StandIn, { addresses: [address] }: RunningProxy): Promise<string> {
  const api = `${address}/MAAS/api/2.0`
  return [
    `The stand-in MAAS is at ${standIn.url} and verifies every signature; the proxy in front of it is at ${address}.\n`,
    'Signed by the proxy, so MAAS knows who asks:\n',
    await transcript(`${api}/users/?op=whoami`),
    'Served to anyone, so it passes unsigned:\n',
    await transcript(`${api}/version/`),
    'The first request without the proxy:\n',
    await transcript(`${standIn.url}/api/2.0/users/?op=whoami`),
    'More to try:\n',
    `  curl '${api}/machines/'`,
    `  curl -F name=blue '${api}/tags/'`,
    `  curl -X POST '${api}/machines/?op=allocate'\n`,
    'Control-C stops both.\n'
  ].join('\n')
}

/** A curl line, and what it answers: the request is really made. */
async function transcript (url: string): Promise<string> {
  const answer = await fetch(url)
  return `  $ curl '${url}'\n${(await answer.text()).trimEnd().replaceAll(/^/gm, '  ')}\n  (${answer.status})\n`
}
