import type { StandIn } from '../../demo/stand-in/index.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Command, EXIT, stopSignal, stopUnlessSignalled, uncaughtError, withLog } from '../command.ts'
import type { Environment } from '../../environment.ts'
import type { RunningProxy } from '../../proxy/running-proxy.ts'
import { startProxy } from '../../proxy/start.ts'
import { type Paint, paintFor } from '../../text/terminal.ts'
import { runStandInOnly } from './demo/stand-in-only.ts'

/**
 * Runs the proxy in front of a stand-in that verifies requests as MAAS does, and prints requests with their answers.
 */
export const demo: Command = {
  summary: 'try it with a stand-in MAAS',
  help: 'run the proxy in front of a stand-in MAAS in this process, and show requests to copy; ' +
    'with --stand-in-only, run a MAAS to test programs against (--json)',
  examples: [
    ['demo', 'no MAAS and no key are needed'],
    ['demo --read-only', 'see what a rule refuses']
  ],
  json: true,
  standIn: true,
  async run (line, io) {
    const { flags, json, standInOnly, maasVersion } = line
    const { env, stdout, stderr, signals } = io
    if (flags.maasUrl !== undefined || flags.apiKeyFile !== undefined) {
      throw new SettingsError(['demo: has a MAAS and a key of its own; leave --maas-url and --api-key-file out'])
    }
    const { startStandIn, VERSIONS } = await import('../../demo/stand-in/index.ts') // only this command needs it
    const version = VERSIONS.find(name => name === (maasVersion ?? '3.7'))
    if (version === undefined) throw new SettingsError([`--maas-version: write ${VERSIONS.join(' or ')}`])
    if (standInOnly) return await runStandInOnly(line, io, async options => await startStandIn({ ...options, version }))
    if (json) throw new SettingsError(['--json: demo has an answer in JSON only with --stand-in-only'])
    const stopping = stopSignal(signals)
    const standIn = await startStandIn({ version })
    const { consumer, token, secret } = standIn.admin
    const settings = { MAAS_URL: standIn.url, MAAS_API_KEY: `${consumer}:${token}:${secret}` }
    const config = await loadConfig(flags, { ...withoutMaas(env), ...settings })
    return await withLog(config, stderr, io, async logger => {
      const proxy = await startWithFallback(config, logger)
      stdout.write(await guide(standIn, proxy, paintFor(stdout, env)))
      const reason = await Promise.race([stopping, uncaughtError(signals, logger)])
      const code = await stopUnlessSignalled(signals, {
        ...proxy,
        stop: async () => {
          await proxy.stop()
          await standIn.close()
        }
      })
      return code || (reason ?? EXIT.ok)
    })
  }
}

/** The environment without the settings of the user's own MAAS. */
function withoutMaas ({ MAAS_API_KEY_FILE: _file, ...env }: Environment): Environment {
  return env
}

/** Listens where `serve` would, so that the requests in README work, or on a free port if that address is in use. */
async function startWithFallback (config: Config, logger: Parameters<typeof startProxy>[1]): Promise<RunningProxy> {
  try {
    return await startProxy(config, logger)
  } catch (error) {
    logger.warn({ reason: (error as Error).message }, 'the demo takes a free port')
    const address = { host: '127.0.0.1', port: 0 }
    const listeners = config.listeners.slice(0, 1).map(listener => ({ ...listener, address }))
    return await startProxy({ ...config, listeners }, logger)
  }
}

/** What a small playbook asks for: it reads, makes a tag, deploys a machine, and cleans up. */
const WORKLOAD = [
  "'API/machines/?hostname=calm-heron'",
  "-F name=demo 'API/tags/'",
  "-X POST 'API/machines/?op=allocate'",
  "-X POST 'API/machines/w8fc3n/?op=deploy'",
  "-X POST 'API/machines/w8fc3n/?op=release'",
  "-X DELETE 'API/tags/demo/'"
]

/** The text that the demo prints: requests with their answers, and more to copy. */
async function guide (standIn: StandIn, { addresses: [address] }: RunningProxy, paint: Paint): Promise<string> {
  const api = `${address}/MAAS/api/2.0`
  const title = (text: string) => `${paint('bold', text)}\n`
  const command = (text: string) => `  ${paint('cyan', text)}`
  return [
    `The stand-in MAAS is at ${standIn.url} and verifies every signature; the proxy in front of it is at ${address}.\n`,
    title('Signed by the proxy, so MAAS knows who asks:'),
    await transcript(`${api}/users/?op=whoami`, paint),
    title('Served to anyone, so it passes unsigned:'),
    await transcript(`${api}/version/`, paint),
    title('The first request without the proxy:'),
    await transcript(`${standIn.url}/api/2.0/users/?op=whoami`, paint),
    title('More to try:'),
    command(`curl '${api}/machines/'`),
    command(`curl -F name=blue '${api}/tags/'`),
    `${command(`curl -X POST '${api}/machines/?op=allocate'`)}\n`,
    title('To learn the rules of a workload, start the demo with --learn work.json and send this:'),
    ...WORKLOAD.map(words => command(`curl ${words.replace('API', api)}`)),
    `${command('maas-auth-proxy policy learn work.json')}\n`,
    `${address}/ in a browser shows how the proxy does. Control-C stops both.\n`
  ].join('\n')
}

/** Sends a request. @returns its curl line and the answer */
async function transcript (url: string, paint: Paint): Promise<string> {
  const answer = await fetch(url)
  const text = (await answer.text()).trimEnd().replaceAll(/^/gm, '  ')
  const status = paint(answer.ok ? 'green' : 'red', `(${answer.status})`)
  return `  $ ${paint('cyan', `curl '${url}'`)}\n${text}\n  ${status}\n`
}
