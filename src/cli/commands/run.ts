import { randomBytes } from 'node:crypto'
import { isLoopback } from '../../listen/address.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import type { Flags } from '../../settings/setting-input.ts'
import { type Command, EXIT, type Io, stopUnlessSignalled, uncaughtError, withLog } from '../command.ts'
import { startProxy } from '../../proxy/start.ts'
import { runChild, StartError } from './run/child.ts'
import { childEnvironment } from './run/environment.ts'
import { prepareMaasCli } from './run/maas-cli.ts'

/** A free port, so that several commands can run at once, and a short log, because the command has stderr too. */
const DEFAULTS: Flags = { listen: ['127.0.0.1:0'], logLevel: ['warn'] }

/** The name of the command as a client, where clients have tokens. Its token is a new one each time. */
const CLIENT_NAME = 'run'

/** Runs a command with a proxy of its own. The command finds the proxy in its environment, and no API key. */
export const run: Command = {
  summary: 'run a command with a proxy of its own, without the key',
  help: 'run a command with MAAS_URL, MAAS_API_KEY and their likes set for a proxy of its own, ' +
    'on a free port unless --listen says where',
  examples: [
    ['run --read-only -- ./report.sh', 'the script finds MAAS_URL in its environment, and no key'],
    ['run --listen unix:/tmp/maas.sock -- make inventory', 'over a unix socket']
  ],
  operands: 'COMMAND [ARGUMENT...]',
  async run ({ flags, operands }, io) {
    const { env, stderr, signals } = io
    const config = withoutTls(await loadConfig(flags, env, DEFAULTS))
    return await withLog(config, stderr, io, async logger => {
      const asksForToken = config.listeners.some(({ clients }) => clients !== undefined)
      const own = asksForToken ? { name: CLIENT_NAME, token: randomBytes(24).toString('hex') } : null
      const proxy = await startProxy(config, logger, { probeAtStart: true, ownClient: own })
      const keys = config.keys.map(({ apiKey }) => apiKey)
      const childEnv = childEnvironment(env, proxy.addresses, keys, own?.token ?? null)
      const failing = uncaughtError(signals, logger)
      void failing.then(() => signals.emit('SIGTERM', 'SIGTERM')) // runChild passes it on to the command
      const code = await runCommand(operands as string[], childEnv, { stderr, signals }).catch((error: Error) => {
        stderr.write(`maas-auth-proxy: error: ${error.message}\n`)
        return error instanceof StartError ? error.exitCode : EXIT.failure
      })
      // Processes that the command started may still have requests. The proxy ends them as at any stop.
      const stopCode = await stopUnlessSignalled(signals, proxy)
      return code || stopCode
    })
  }
}

/**
 * Takes TLS from the listeners on loopback: tools do not trust a certificate that is not for localhost, and what stays
 * in this machine needs none.
 * @throws SettingsError if the command could use TLS only
 */
function withoutTls (config: Config): Config {
  const listeners = config.listeners.map(each => isLoopback(each.address) ? { ...each, tls: null } : each)
  if (listeners.some(({ tls }) => tls === null)) return { ...config, listeners }
  throw new SettingsError([
    '--tls-cert-file: the command uses http on loopback, where run has no TLS; add --listen 127.0.0.1:0'
  ])
}

/** Runs the command. @throws StartError if it cannot start, and another Error if its tool cannot be led to the proxy */
async function runCommand (
  operands: readonly string[], env: Record<string, string>, { stderr, signals }: Pick<Io, 'stderr' | 'signals'>
): Promise<number> {
  const prepared = await prepareMaasCli(operands, env, stderr)
  try {
    return await runChild(operands, prepared.env, signals)
  } finally {
    prepared.cleanUp()
  }
}
